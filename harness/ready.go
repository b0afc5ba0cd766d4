package harness

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/workload"
)

// ready waits until every client of every region has written and read, and
// until every node has shown what was written: one that never served would make
// any fault on it a harmless one.
func (r *run) ready(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for region, clients := range r.clients {
		for i, c := range clients {
			key := r.plan.Load.Key(fmt.Sprintf("ready.%s.%d", region, i))
			g.Go(func() error {
				err := poll(gctx, readyLimit, func(ctx context.Context) error {
					return r.markAndSee(ctx, c, c, key, key)
				})
				if err != nil {
					return fmt.Errorf("client %d of region %s is not served: %w", i, region, err)
				}
				return nil
			})
		}
	}
	writers := slices.Concat(r.allClients()...)
	if r.plan.Load.LocalReads > 0 {
		g.Go(func() error {
			err := poll(gctx, readyLimit, func(ctx context.Context) error {
				return r.markAndSee(ctx, writers[0], writers[0], history.LocalReadSetting, history.LocalReadSetting)
			})
			if err != nil {
				return fmt.Errorf("the setting that edge reads ask for cannot be set: %w", err)
			}
			return nil
		})
	}
	for i, n := range r.plan.Topology.Nodes {
		if n.Standby {
			continue // its clients are served, though by others
		}
		g.Go(func() error {
			reader, err := r.o.Target.Reader(gctx, r.cluster, n.ID)
			if err != nil {
				return fmt.Errorf("reader through %s: %w", n.ID, err)
			}
			defer reader.Close()
			key := r.plan.Load.Key("ready." + string(n.ID))
			err = poll(gctx, readyLimit, func(ctx context.Context) error {
				return r.markAndSee(ctx, writers[i%len(writers)], reader, key, key)
			})
			if err != nil {
				return fmt.Errorf("node %s does not serve: %w", n.ID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.say("ready", "every client is served, and every node serves")
	return nil
}

// openBank opens the accounts that transfers are to move money between. It is on
// record, ahead of all that was due, for what the balances were to begin with.
func (r *run) openBank(ctx context.Context) error {
	if r.plan.Load.Mix.Transfer == 0 {
		return nil
	}
	g := workload.Generator{Load: r.plan.Load, Now: r.now}
	clients := slices.Concat(r.allClients()...)
	err := poll(ctx, readyLimit, func(ctx context.Context) error {
		op := workload.SeedAccountsOp()
		op.Intended, op.Region = record.NotReached, r.plan.Topology.Regions()[0]
		if op = g.Attempt(ctx, clients[0], op); op.Outcome != history.OK {
			return fmt.Errorf("%s: %s", op.Outcome, op.Error)
		}
		r.history.Record(op)
		return nil
	})
	if err != nil {
		return fmt.Errorf("open the bank that transfers need: %w", err)
	}
	return nil
}

// markAndSee writes a value with one client and reads it back with another.
// Such operations are the engine's own and stay out of the history.
func (r *run) markAndSee(ctx context.Context, writer, reader workload.Client, key, value string) error {
	g := workload.Generator{Load: r.plan.Load, Now: r.now}
	write, read := history.Write, history.Read
	if r.plan.Load.SetsOnly() {
		write, read = history.Add, history.SetRead
	}
	w := g.Attempt(ctx, writer, history.Op{Kind: write, Key: key, Value: value})
	if w.Outcome != history.OK {
		return fmt.Errorf("%s %s: %s: %s", write, key, w.Outcome, w.Error)
	}
	got := g.Attempt(ctx, reader, history.Op{Kind: read, Key: key})
	if got.Outcome != history.OK || (got.Output != value && !slices.Contains(got.Set, value)) {
		return fmt.Errorf("%s %s: %s %q %v: %s", read, key, got.Outcome, got.Output, got.Set, got.Error)
	}
	return nil
}
