package harness

import (
	"context"
	"errors"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// measureAhead is how often the state before a fault is measured while its step waits.
const measureAhead = 250 * time.Millisecond

// runTriggered waits for what the step waits for, and carries it out then.
func (s *Session) runTriggered(ctx context.Context, step scenarios.Step) {
	i, err := s.faults.injectWhen(ctx, step, func(ctx context.Context, armed time.Duration) (firing, error) {
		return s.triggers.await(ctx, s.system.cluster, step.When, step.Within, armed)
	})
	if err == nil { // or it is on record
		s.healWhenDue(ctx, i)
	}
}

// injectWhen is inject for a step that waits for a trigger. Whatever does not depend on who has a role then is
// made ready while it waits, so that the injection follows its trigger at once.
func (s *faultScheduler) injectWhen(ctx context.Context, step scenarios.Step, await func(context.Context, time.Duration) (firing, error)) (*Injection, error) {
	ctx, leave, err := s.enter(ctx, step)
	if err != nil {
		return nil, err
	}
	defer leave()
	i := newInjection(s, step, record.NotReached, record.NotReached)
	armed := s.log.now()
	trigger := record.Trigger{When: step.When.String(), Armed: armed, Deadline: armed + step.Within, Fired: record.NotReached}
	i.update(func(f *record.Fault) {
		f.Description, f.Trigger, f.Inject.Requested = step.Fault, &trigger, record.NotReached
	})
	i.emit(record.FromEngine, record.EventArmed, "waits for "+trigger.When+", "+duration.Format(step.Within)+" at most")
	ahead := len(step.Roles()) == 0
	before := func() (string, bool) { return "", false }
	if ahead {
		if err := i.prepare(ctx); err != nil {
			return nil, err
		}
		before = i.measureUntilCalled(ctx)
	}
	f, err := await(ctx, armed)
	if err == nil && step.Delay > 0 {
		err = sleep(ctx, f.at+step.Delay-s.log.now())
	}
	observed, measured := before()
	if err != nil {
		i.stopProof(err)
		if errors.Is(err, errNotTriggered) {
			i.emit(record.FromEngine, record.EventNotTriggered, trigger.When+" did not happen")
		}
		return nil, err
	}
	fired := trigger
	fired.Fired, fired.Cause = f.at, f.cause
	i.update(func(r *record.Fault) {
		r.Trigger, r.Inject.Planned, r.Heal.Planned = &fired, f.at+step.Delay, f.at+step.Delay+step.For
	})
	i.emit(record.FromEngine, record.EventTriggered, f.cause)
	if !ahead {
		if err := i.prepare(ctx); err != nil {
			return nil, err
		}
	}
	// What was observed may be gone: it may have been the effect of the very fault whose heal was waited for. And
	// another fault may have had the effect in the meantime.
	if !measured || observed != "" || i.overlapped() {
		observed = i.effectBefore(ctx)
	}
	return i, i.carryOut(ctx, observed)
}

// measureUntilCalled measures again and again whether the fault's effect is there already, until the function
// that it returns is called, which returns the last of the measurements and whether there is one.
func (i *Injection) measureUntilCalled(ctx context.Context) func() (string, bool) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	observed, measured := "", false
	go func() {
		defer close(done)
		for {
			before := i.effectBefore(ctx)
			if ctx.Err() != nil { // it was cut short
				return
			}
			observed, measured = before, true
			if sleep(ctx, measureAhead) != nil {
				return
			}
		}
	}()
	return func() (string, bool) {
		cancel()
		<-done
		return observed, measured
	}
}
