package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// Run carries out a plan in a session and returns its record, judged and saved
// with its reports, and the folder that holds it. The error is of the
// environment (no engine, a node that does not start); a system that breaks its
// promises is a verdict, not an error. When ctx ends, faults are healed,
// everything is removed, and the partial record is returned with AbortReason
// set and the verdict unknown.
func Run(ctx context.Context, p scenarios.Plan, o Options) (*record.Run, string, error) {
	s, err := open(ctx, p, o)
	if err != nil {
		return nil, "", err
	}
	err = s.drive(ctx)
	s.tearDown(ctx, err)
	if ctx.Err() != nil {
		err = nil // that it was interrupted is on record
	}
	return s.result.Run, s.result.Dir, errors.Join(err, s.err)
}

// drive takes the session through its phases, up to the last read.
func (s *Session) drive(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.Baseline(ctx); err != nil {
		return err
	}
	s.enterTimeline(s.plan.Length())
	err := s.guarded(ctx, func(ctx context.Context) error {
		var phases sync.WaitGroup
		phases.Go(func() { s.runLoadPhases(ctx) })
		err := s.runSteps(ctx, s.plan.Steps)
		phases.Wait()
		return err
	})
	if err != nil {
		return err
	}
	return s.readBackWhenStable(ctx)
}

// runSteps runs the steps, each at its time, overlapping freely. It
// returns when every fault is healed, and heals at once when ctx ends.
func (s *Session) runSteps(ctx context.Context, steps []scenarios.Step) error {
	var all sync.WaitGroup
	for _, step := range steps {
		all.Go(func() {
			if sleep(ctx, s.timeline+step.At-s.log.now()) != nil {
				return
			}
			if step.When.IsZero() {
				s.runStep(ctx, step)
			} else {
				s.runTriggered(ctx, step)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// lateHeal is how much later than asked a fault may be healed without a word.
const lateHeal = 100 * time.Millisecond

// runStep injects a fault, heals it when it has lasted as long as the step
// says, counted from when it was confirmed, and waits for the proof of that.
func (s *Session) runStep(ctx context.Context, step scenarios.Step) {
	planned := s.timeline + step.At
	i, err := s.faults.inject(ctx, step, planned, planned+step.For)
	if err != nil {
		return // it is on record
	}
	s.healWhenDue(ctx, i)
}

// healWhenDue heals a fault when it has lasted as long as its step says, and waits for the proof of that.
func (s *Session) healWhenDue(ctx context.Context, i *Injection) {
	due := i.Record().Inject.Confirmed + i.step.For
	_ = sleep(ctx, due-s.log.now())
	i.awaitProofs(ctx)
	if late := s.log.now() - due; late > lateHeal && ctx.Err() == nil {
		i.emit(record.FromEngine, record.EventExtended, "it lasts "+duration.Format(late)+" longer than asked, because its proof takes that long")
	}
	i.heal()
	<-i.cleared
}
