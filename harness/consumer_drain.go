package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// drainTimeout is the longest wait for a consumer to be handed the rest.
const drainTimeout = 15 * time.Second

// openStream waits until every client has published and every consumer was
// answered, where the load has messages. These operations are on record, ahead
// of all that was due, for their messages are in the stream.
func (d *loadDriver) openStream(ctx context.Context) error {
	if d.plan.Load.Mix.Publish == 0 {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for region, clients := range d.clients {
		for i, c := range clients {
			g.Go(func() error {
				from, attempt := fmt.Sprintf("%s.%d", region, i), 0
				err := d.untilOK(ctx, c, func() history.Op {
					attempt++ // each is a message of its own: an unanswered one may be there too
					op := workload.ReadyMessageOp(fmt.Sprintf("%s.%d", from, attempt))
					op.Region, op.Client = region, i
					return op
				})
				if err != nil {
					return fmt.Errorf("client %d of region %s cannot publish: %w", i, region, err)
				}
				return nil
			})
		}
		for _, op := range d.plan.Load.ConsumerOps(region) {
			g.Go(func() error {
				if err := d.untilOK(ctx, clients[op.Client], func() history.Op { return op }); err != nil {
					return fmt.Errorf("consumer %s is not served: %w", op.Key, err)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	d.log.notice(record.EventReady, "every client publishes, and every consumer is served")
	return nil
}

// untilOK makes operations until one is acknowledged, and records those that
// may have had an effect.
func (d *loadDriver) untilOK(ctx context.Context, c workload.Client, next func() history.Op) error {
	g := workload.Generator{Load: d.plan.Load, Now: d.log.now}
	return poll(ctx, readyTimeout, func(ctx context.Context) error {
		op := next()
		op.Intended = record.NotReached
		op = g.Attempt(ctx, c, op)
		if op.Outcome != history.Failed {
			d.history.Record(op)
		}
		if op.Outcome != history.OK {
			return fmt.Errorf("%s: %s", op.Outcome, op.Error)
		}
		return nil
	})
}

// drain lets every consumer ask, with the load off, until it was handed all
// that was acknowledged and there is no more. One that does not get there is
// left to its check.
func (d *loadDriver) drain(ctx context.Context) {
	if d.plan.Load.Consumers == 0 {
		return
	}
	ops := d.history.Ops()
	var g errgroup.Group
	for region, clients := range d.clients {
		for _, op := range d.plan.Load.ConsumerOps(region) {
			g.Go(func() error {
				d.drainOne(ctx, clients[op.Client], region, op, outstanding(ops, op.Key))
				return nil
			})
		}
	}
	_ = g.Wait()
}

func (d *loadDriver) drainOne(ctx context.Context, c workload.Client, region topology.Region, ask history.Op, left map[string]bool) {
	gen := workload.Generator{Load: d.plan.Load, Now: d.log.now}
	err := poll(ctx, drainTimeout, func(ctx context.Context) error {
		op := ask
		op.Final, op.Region, op.Intended = true, region, d.log.now()
		op = gen.Attempt(ctx, c, op)
		d.history.Record(op)
		for _, m := range op.Set {
			delete(left, m)
		}
		switch {
		case op.Outcome != history.OK:
			return errors.New(op.Error)
		case len(op.Set) > 0:
			return errors.New("there is more")
		case len(left) > 0:
			return fmt.Errorf("%d messages have not come", len(left))
		}
		return nil
	})
	if err != nil {
		d.log.notice(record.EventNotDrained, "%s: %v", ask.Key, err)
	}
}

// outstanding is the acknowledged messages that a consumer was not handed yet.
func outstanding(ops []history.Op, consumer string) map[string]bool {
	left := map[string]bool{}
	for _, op := range ops {
		if op.Kind == history.Publish && op.Outcome == history.OK {
			left[op.Value] = true
		}
	}
	for _, op := range ops {
		if op.Kind == history.Consume && op.Key == consumer && op.Outcome != history.Failed {
			for _, m := range op.Set {
				delete(left, m)
			}
		}
	}
	return left
}
