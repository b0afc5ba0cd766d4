package harness

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

const (
	// readersPerNode is how many final reads a node is asked at one time.
	readersPerNode = 8
	// readBackLimit is how long a final read that fails is tried again.
	readBackLimit = 10 * time.Second
)

// quiesce waits, with the load off, until every node returns a value that was
// written after the load stopped: then each has caught up with all before it.
// A node that does not is left to the final reads, which will say so.
func (r *run) quiesce(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	clients := slices.Concat(r.allClients()...)
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range r.plan.Topology.Nodes {
		g.Go(func() error {
			reader, err := r.o.Target.Reader(ctx, r.cluster, n.ID)
			if err != nil {
				r.say("not converged", "%s: %v", n.ID, err)
				return nil
			}
			defer reader.Close()
			key := r.plan.Load.Key("quiesce." + string(n.ID))
			for i := 0; ; i++ {
				err := r.markAndSee(ctx, clients[i%len(clients)], reader, key, fmt.Sprint(i))
				if err == nil {
					return nil
				}
				if sleep(ctx, pollInterval) != nil {
					r.say("not converged", "%s: %v", n.ID, err)
					return nil
				}
			}
		})
	}
	_ = g.Wait()
}

func (r *run) allClients() [][]workload.Client {
	var out [][]workload.Client
	for _, region := range r.plan.Topology.Regions() {
		out = append(out, r.clients[region])
	}
	return out
}

// readBack reads every key that was ever written back through every node.
func (r *run) readBack(ctx context.Context) {
	reads := finalReads(r.history.Ops())
	r.say("read back", "%d keys through each of %d nodes", len(reads), len(r.plan.Topology.Nodes))
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range r.plan.Topology.Nodes {
		g.Go(func() error {
			r.readBackVia(ctx, n, reads)
			return nil
		})
	}
	_ = g.Wait()
}

// readBackVia reads every key through one node. A read that fails is tried
// again until readBackLimit, shared by all reads of the node; the last attempt is on record.
func (r *run) readBackVia(ctx context.Context, n topology.Node, reads []history.Op) {
	reader, err := r.o.Target.Reader(ctx, r.cluster, n.ID)
	if err != nil {
		for _, op := range reads {
			op.ReadThrough, op.Region = n.ID, n.Region
			op.Intended, op.Call, op.Return = r.now(), r.now(), r.now()
			op.Outcome, op.Error = history.Failed, err.Error()
			r.history.Record(op)
		}
		return
	}
	defer reader.Close()
	until := r.now() + readBackLimit
	gen := workload.Generator{Load: r.plan.Load, Now: r.now}
	var g errgroup.Group
	g.SetLimit(readersPerNode)
	for _, op := range reads {
		g.Go(func() error {
			op.ReadThrough, op.Region = n.ID, n.Region
			for {
				op.Intended = r.now()
				got := gen.Attempt(ctx, reader, op)
				if got.Outcome == history.OK || r.now() > until || sleep(ctx, pollInterval) != nil {
					r.history.Record(got)
					return nil
				}
			}
		})
	}
	_ = g.Wait()
}

// finalReads is one final read for each key that a write was ever attempted on.
func finalReads(ops []history.Op) []history.Op {
	kinds := map[string]history.Kind{}
	for _, op := range ops {
		switch op.Kind {
		case history.Write, history.CAS:
			kinds[op.Key] = history.Read
		case history.Add:
			kinds[op.Key] = history.SetRead
		case history.Transfer:
			kinds[op.Key] = history.Balances
		case history.Publish:
			kinds[op.Key] = history.Messages
		}
	}
	out := make([]history.Op, 0, len(kinds))
	for key, kind := range kinds {
		out = append(out, history.Op{Kind: kind, Key: key, Final: true})
	}
	slices.SortFunc(out, func(a, b history.Op) int { return cmp.Compare(a.Key, b.Key) })
	for i := range out {
		out[i].ID = -int64(i + 1) // below every operation of the load
	}
	return out
}
