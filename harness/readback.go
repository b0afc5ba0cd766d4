package harness

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

const (
	// readersPerNode is how many final reads a node is asked at one time.
	readersPerNode = 8
	// readBackTimeout is how long final reads that fail are tried again.
	readBackTimeout = 10 * time.Second
	// quiesceTimeout is the longest wait for every node to have caught up.
	quiesceTimeout = 30 * time.Second
	// unstableTimeout is the same for a service that never became stable.
	unstableTimeout = 3 * time.Second
)

// quiesce waits, with the load off, until every node returns a value that was
// written after the load stopped: then each has caught up with all before it.
// A node that does not is left to the final reads, which will show it. Round
// distinguishes the waits of one run.
func (d *loadDriver) quiesce(ctx context.Context, timeout time.Duration, round int) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var g errgroup.Group
	for _, n := range d.plan.Topology.DataNodes() {
		g.Go(func() error {
			if err := d.waitCaughtUp(ctx, n, round); err != nil {
				d.log.notice(record.EventNotConverged, "%s: %v", n.ID, err)
			}
			return nil
		})
	}
	_ = g.Wait()
}

// waitCaughtUp writes through a client and reads through one node until that shows it. The
// client is of another region where there is one: a node that was cut off and still
// believes that it leads shows what its own region's clients write to it, and nothing else.
func (d *loadDriver) waitCaughtUp(ctx context.Context, n topology.Node, round int) error {
	reader, err := d.target.Reader(ctx, d.cluster, n.ID)
	if err != nil {
		return err
	}
	defer reader.Close()
	name := "quiesce." + string(n.ID)
	if round > 0 {
		name = fmt.Sprintf("quiesce.%d.%s", round, n.ID)
	}
	key, clients := d.plan.Load.Key(name), d.clientsOutside(n.Region)
	for i := 0; ; i++ {
		err := d.writeThenRead(ctx, clients[i%len(clients)], reader, key, fmt.Sprint(i))
		if err == nil || sleep(ctx, pollInterval) != nil {
			return err
		}
	}
}

// readBack makes the given reads through every node.
func (d *loadDriver) readBack(ctx context.Context, reads []history.Op) {
	d.log.notice(record.EventReadBack, "%d keys through each of %d nodes", len(reads), len(d.plan.Topology.DataNodes()))
	var g errgroup.Group
	for _, n := range d.plan.Topology.DataNodes() {
		g.Go(func() error {
			d.readBackThrough(ctx, n, reads)
			return nil
		})
	}
	_ = g.Wait()
}

// readBackThrough makes the reads through one node. A read that fails is tried
// again until readBackTimeout, which all reads of the node share; the last attempt is on record.
func (d *loadDriver) readBackThrough(ctx context.Context, n topology.Node, reads []history.Op) {
	now := d.log.now
	reader, err := d.target.Reader(ctx, d.cluster, n.ID)
	if err != nil {
		for _, op := range reads {
			op.ReadThrough, op.Region = n.ID, n.Region
			op.Intended, op.Call, op.Return = now(), now(), now()
			op.Outcome, op.Error = history.Failed, err.Error()
			d.history.Record(op)
		}
		return
	}
	defer reader.Close()
	until := now() + readBackTimeout
	gen := workload.Generator{Load: d.plan.Load, Now: now}
	var g errgroup.Group
	g.SetLimit(readersPerNode)
	for _, op := range reads {
		g.Go(func() error {
			op.ReadThrough, op.Region = n.ID, n.Region
			for {
				op.Intended = now()
				got := gen.Attempt(ctx, reader, op)
				if got.Outcome == history.OK || now() > until || sleep(ctx, pollInterval) != nil {
					d.history.Record(got)
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
		case history.Append, history.Put:
			kinds[op.Key] = history.ListRead
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
