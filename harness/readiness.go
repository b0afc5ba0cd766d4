package harness

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// readyTimeout is the longest time from started nodes to first service. Tests
// in which it passes make it shorter.
var readyTimeout = 60 * time.Second

// warmUpTimeout is the longest time for the load to be all good for one bucket before the baseline
// begins.
const warmUpTimeout = 15 * time.Second

// waitReady waits until every client of every region has written and read, and
// until every node has shown what was written: any fault on a node that never
// served would pass for harmless.
func (d *loadDriver) waitReady(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for region, clients := range d.clients {
		for i, c := range clients {
			key := d.plan.Load.Key(fmt.Sprintf("ready.%s.%d", region, i))
			g.Go(func() error {
				err := poll(gctx, readyTimeout, func(ctx context.Context) error {
					return d.writeThenRead(ctx, c, c, key, key)
				})
				if err != nil {
					return fmt.Errorf("client %d of region %s is not served: %w", i, region, err)
				}
				return nil
			})
		}
	}
	writers := d.allClients()
	if d.plan.Load.LocalReads > 0 {
		g.Go(func() error {
			err := poll(gctx, readyTimeout, func(ctx context.Context) error {
				return d.writeThenRead(ctx, writers[0], writers[0], history.LocalReadSetting, history.LocalReadSetting)
			})
			if err != nil {
				return fmt.Errorf("the setting that local reads ask for cannot be set: %w", err)
			}
			return nil
		})
	}
	for i, n := range d.plan.Topology.DataNodes() {
		if n.Standby {
			continue // its clients are served, though by others
		}
		g.Go(func() error { return d.waitServing(gctx, n, writers[i%len(writers)]) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	d.log.notice(record.EventReady, "every client is served, and every node serves")
	return nil
}

// waitServing waits until a node shows what a client wrote.
func (d *loadDriver) waitServing(ctx context.Context, n topology.Node, writer workload.Client) error {
	reader, err := d.target.Reader(ctx, d.cluster, n.ID)
	if err != nil {
		return fmt.Errorf("reader through %s: %w", n.ID, err)
	}
	defer reader.Close()
	key := d.plan.Load.Key("ready." + string(n.ID))
	err = poll(ctx, readyTimeout, func(ctx context.Context) error {
		return d.writeThenRead(ctx, writer, reader, key, key)
	})
	if err != nil {
		return fmt.Errorf("node %s does not serve: %w", n.ID, err)
	}
	return nil
}

// seedAccounts opens the accounts that transfers are to move money between. It
// is on record, ahead of all that was due, for what the balances were to begin with.
func (d *loadDriver) seedAccounts(ctx context.Context) error {
	if d.plan.Load.Mix.Transfer == 0 {
		return nil
	}
	g := workload.Generator{Load: d.plan.Load, Now: d.log.now}
	clients := d.allClients()
	err := poll(ctx, readyTimeout, func(ctx context.Context) error {
		op := workload.SeedAccountsOp()
		op.Intended, op.Region = record.NotReached, d.plan.Topology.Regions()[0]
		if op = g.Attempt(ctx, clients[0], op); op.Outcome != history.OK {
			return fmt.Errorf("%s: %s", op.Outcome, op.Error)
		}
		d.history.Record(op)
		return nil
	})
	if err != nil {
		return fmt.Errorf("open the accounts that transfers need: %w", err)
	}
	return nil
}

// warmUp lets the first operations open their connections, so that they are no
// part of the baseline. What is not good within the timeout stays as it is, and
// the baseline will show it.
func (d *loadDriver) warmUp(ctx context.Context) error {
	started := d.log.now()
	for d.log.now() < started+warmUpTimeout && d.stats.stable(d.log.now(), started) < d.stats.slo.Bucket {
		if err := sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
	return nil
}
