package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// Injection is a fault that was injected, until it is healed. Its methods may be
// called concurrently.
type Injection struct {
	scheduler *faultScheduler
	step      scenarios.Step
	fault     faults.Injection
	affects   topology.FaultImpact

	proofCtx  context.Context
	stopProof context.CancelCauseFunc
	active    chan struct{} // closed when it is known whether the fault is active
	proved    chan struct{} // closed when the proofs have ended
	healing   sync.Once
	cleared   chan struct{} // closed when it is known whether the fault is cleared

	mu     sync.Mutex
	index  int // in the record
	record record.Fault
}

func newInjection(s *faultScheduler, step scenarios.Step, planned, plannedHeal time.Duration) *Injection {
	i := &Injection{
		scheduler: s, step: step,
		active: make(chan struct{}), proved: make(chan struct{}), cleared: make(chan struct{}),
		record: record.Fault{
			ID: step.ID, Name: step.Fault, Episode: step.Episode,
			Inject: record.Times{Planned: planned, Requested: s.log.now(), Confirmed: record.NotReached, Effective: record.NotReached},
			Heal:   record.Times{Planned: plannedHeal, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
		},
	}
	i.proofCtx, i.stopProof = context.WithCancelCause(s.life)
	s.log.change(func(run *record.Run) {
		run.Faults = append(run.Faults, i.record)
		i.index = len(run.Faults) - 1
	})
	return i
}

// ID is the fault's name in the record, such as "2-isolate".
func (i *Injection) ID() string { return i.step.ID }

// Description says what was done to whom: "kill east-1".
func (i *Injection) Description() string { return i.Record().Description }

// Nodes are the victims, roles resolved.
func (i *Injection) Nodes() []topology.NodeID { return slices.Clone(i.Record().Nodes) }

// Record is the fault as it is on record now, with its times and proofs.
func (i *Injection) Record() record.Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.record
}

// Heal takes the fault away and returns once that is proved on the very nodes
// or links that were affected. Where another fault under way affects them too,
// nothing can be proved yet: then Heal returns when the heal is confirmed, and
// the proof is made when the other fault is healed. Further calls return the same.
//
// A fault whose proof is not in yet lasts until it is, 2 s at most. Heal heals
// even when ctx has ended; its proof is cut short then.
func (i *Injection) Heal(ctx context.Context) error {
	i.awaitProofs(ctx)
	i.heal()
	if !i.overlapped() {
		select {
		case <-i.cleared:
		case <-ctx.Done():
			return fmt.Errorf("%s was healed; the proof that it is cleared was cut short: %w", i.Description(), context.Cause(ctx))
		}
	}
	switch f := i.Record(); {
	case f.HealError != "":
		return fmt.Errorf("heal %s: %s", f.Description, f.HealError)
	case f.Cleared.Observed != "" && !f.Cleared.Proved:
		return fmt.Errorf("%s was healed and is not proved cleared: %s", f.Description, f.Cleared.Observed)
	}
	return nil
}

// overlapped reports whether another fault under way affects the same nodes or links.
func (i *Injection) overlapped() bool {
	for _, other := range i.scheduler.others(i.step.ID) {
		if overlap(i.affects, other) {
			return true
		}
	}
	return false
}

// overlap reports whether two faults affect a common node or a link of one.
func overlap(a, b topology.FaultImpact) bool {
	touched := map[topology.NodeID]bool{}
	each := func(d topology.FaultImpact, visit func(topology.NodeID)) {
		for _, n := range d.Down {
			visit(n)
		}
		for _, f := range d.CutFlows {
			visit(f.Link.To)
			if n := f.Link.From.Node; n != "" {
				visit(n)
			}
		}
	}
	each(a, func(n topology.NodeID) { touched[n] = true })
	found := false
	each(b, func(n topology.NodeID) { found = found || touched[n] })
	return found
}

// awaitProofs waits until the fault's proofs are in, for as long as a fault may
// last beyond its time.
func (i *Injection) awaitProofs(ctx context.Context) {
	grace := time.NewTimer(proofGrace)
	defer grace.Stop()
	select {
	case <-i.proved:
	case <-grace.C:
	case <-ctx.Done():
	case <-i.scheduler.life.Done():
	}
}

// heal takes the fault away, once, even when the run is ending, and begins the
// proof that it is cleared.
func (i *Injection) heal() {
	i.healing.Do(func() {
		s, description := i.scheduler, i.Description()
		i.stopProof(errHealed)
		if !endsWithin(i.proved, stopTimeout) {
			s.log.notice(record.EventNotice, "the proof of %s did not return within %v of being stopped: it is healed all the same", i.step.ID, stopTimeout)
		}
		ending := s.life.Err() != nil
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), healTimeout)
		defer cancel()
		i.update(func(f *record.Fault) { f.Heal.Requested = s.log.now() })
		i.emit(record.FromFault, record.EventHealRequested, description)
		err := poll(ctx, healTimeout, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, healAttempt)
			defer cancel()
			return i.fault.Heal(ctx)
		})
		s.remove(i)
		s.log.progress.end(description)
		if err != nil {
			i.update(func(f *record.Fault) { f.HealError = err.Error() })
			i.emit(record.FromFault, record.EventHealFailed, err.Error())
		} else {
			s.change()
			i.update(func(f *record.Fault) { f.Heal.Confirmed = s.log.now() })
			i.emit(record.FromFault, record.EventHealConfirmed, description)
		}
		if err != nil || ending {
			i.finish()
			return
		}
		go i.proveCleared()
	})
}

// finish says that nothing more will become known of the fault.
func (i *Injection) finish() {
	close(i.cleared)
	i.scheduler.underWay.Done()
}

// fail records why the fault was not injected.
func (i *Injection) fail(err error) error {
	i.stopProof(err)
	i.update(func(f *record.Fault) { f.Error = err.Error() })
	i.emit(record.FromFault, record.EventInjectFailed, err.Error())
	return err
}

// refuse records that the fault would have gone beyond the blast radius.
func (i *Injection) refuse(exceeded string) error {
	err := fmt.Errorf("%s is not injected: %s", i.Description(), exceeded)
	i.stopProof(err)
	i.update(func(f *record.Fault) { f.Refused, f.Inject.Requested = exceeded, record.NotReached })
	i.emit(record.FromFault, record.EventRefused, exceeded)
	return err
}

// skip records why nothing was injected, which the selector allows.
func (i *Injection) skip(err error) error {
	i.stopProof(err)
	i.update(func(f *record.Fault) { f.Skipped, f.Inject.Requested = err.Error(), record.NotReached })
	i.emit(record.FromFault, record.EventSkipped, err.Error())
	return err
}

// update edits the fault, and its copy in the record, so that a crash leaves
// the last state.
func (i *Injection) update(edit func(*record.Fault)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	edit(&i.record)
	i.scheduler.log.change(func(run *record.Run) {
		run.Faults = slices.Clone(run.Faults)
		run.Faults[i.index] = i.record
	})
}

func (i *Injection) emit(source record.EventSource, kind record.EventKind, description string) {
	i.scheduler.log.emit(record.Event{Source: source, Kind: kind, Fault: i.step.ID, Description: description})
}

// errNotActive is what an injection whose fault was not proved comes to.
func (i *Injection) errNotActive() error {
	f := i.Record()
	if f.Active.Proved {
		return nil
	}
	if f.Active.Observed == "" {
		return errors.New("inject " + f.Description + ": nothing was measured")
	}
	return fmt.Errorf("%s was injected and is not proved active: %s", f.Description, f.Active.Observed)
}
