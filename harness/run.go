package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// Run carries out a plan and returns its record, judged and saved with its
// reports, and the folder that holds it. The error is of the environment (no
// engine, a node that does not start); a system that breaks its promises is a
// verdict, not an error. When ctx ends, faults are healed, everything is
// removed, and the partial record is returned with Broken set and the verdict
// unknown.
func Run(ctx context.Context, p scenarios.Plan, o Options) (*record.Run, string, error) {
	r, err := prepare(ctx, p, o)
	if err != nil {
		return nil, "", err
	}
	stopTicking := r.tick()
	defer stopTicking()

	err = r.drive(ctx)
	if interrupted := ctx.Err() != nil; interrupted {
		r.broke("interrupted")
		err = nil
	} else if err != nil {
		r.broke(err.Error())
	}
	if rerr := r.remove(ctx); rerr != nil {
		err = errors.Join(err, rerr)
	}
	if jerr := r.conclude(context.WithoutCancel(ctx)); jerr != nil {
		err = errors.Join(err, jerr)
	}
	return r.record, r.dir.Path, err
}

// drive takes the run through its phases, up to the last read.
func (r *run) drive(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	defer r.lookAfter(ctx)()
	r.sample(ctx, "before")
	r.saturate(ctx)

	load := r.startLoad(ctx)
	defer load.stop()
	if err := r.warmUp(ctx); err != nil {
		return err
	}

	r.enter(record.Baseline, r.plan.Baseline)
	if err := sleep(ctx, r.plan.Baseline); err != nil {
		return err
	}

	r.enter(record.Faulty, r.plan.Length())
	if err := r.timeline(ctx); err != nil {
		return err
	}

	r.enter(record.Observing, r.plan.Observe)
	patience := hopelessLimit
	if stable := r.observe(ctx); stable {
		patience = quiesceLimit
	}
	r.sample(ctx, "after")

	r.enter(record.Quiescing, patience)
	load.stop()
	if err := ctx.Err(); err != nil {
		return err
	}
	r.quiesce(ctx, patience)
	r.drain(ctx)

	r.enter(record.ReadBack, record.NotReached)
	r.readBack(ctx)
	return ctx.Err()
}

// observe keeps the load on until service has been stable for a window past
// the last heal, or the plan's patience is over. It says whether it was stable.
func (r *run) observe(ctx context.Context) (stable bool) {
	healed := r.now()
	until := healed + r.plan.Observe
	for r.now() < until {
		// The meter is cheap and asked often; the check's own definition, which
		// the verdict will use, has the last word.
		if r.meter.stable(r.now(), healed) >= stabilityWindow && r.settled() {
			return true
		}
		if sleep(ctx, bucketWidth) != nil {
			return false
		}
	}
	return false
}

// warmUp lets the first operations open their connections, so that they are
// no part of the baseline. What is not good by its limit stays as it is, and
// the baseline will say so.
func (r *run) warmUp(ctx context.Context) error {
	started := r.now()
	for r.now() < started+warmUpLimit && r.meter.stable(r.now(), started) < warmUpWindow {
		if err := sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) settled() bool {
	r.mu.Lock()
	snapshot := *r.record
	r.mu.Unlock()
	snapshot.Ops = r.history.Ops()
	return check.Stable(&snapshot, check.Definition{}, r.now())
}

const (
	// stabilityWindow is how long service must be all good to count as recovered.
	stabilityWindow = 5 * time.Second
	// latencyLimit is when a slow operation is a bad one.
	latencyLimit = time.Second
	pollInterval = 10 * time.Millisecond
	// warmUpWindow is how long the load must be all good before the baseline begins.
	warmUpWindow = bucketWidth
	warmUpLimit  = 15 * time.Second
	// quiesceLimit is the longest wait for every node to have caught up.
	quiesceLimit = 30 * time.Second
	// drainLimit is the longest wait for a consumer to be handed the rest.
	drainLimit = 15 * time.Second
	// hopelessLimit is the same for a service that never became stable.
	hopelessLimit = 3 * time.Second
	// removeLimit is the longest time to heal and to remove everything.
	removeLimit = 60 * time.Second
)

// readyLimit is the longest time from started nodes to first service. Tests,
// which see it pass, make it shorter.
var readyLimit = 60 * time.Second

// sleep waits, or returns ctx's error when it ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// poll calls f every pollInterval until it returns nil, and gives back its last
// error when the time is over.
func poll(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if sleep(ctx, pollInterval) != nil {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
	}
}
