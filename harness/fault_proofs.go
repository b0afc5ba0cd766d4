package harness

import (
	"context"
	"fmt"
	"reflect"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
)

// prove measures, while the fault lasts, that it is active and that a control
// link or node is unaffected. Both measurements begin at once, for a fault may be short.
func (i *Injection) prove() {
	defer close(i.proved)
	ctx, s := i.proofCtx, i.scheduler
	control := make(chan record.Proof, 1)
	go func() { control <- i.measureControl(ctx) }()

	var observed string
	err := poll(ctx, s.deadline(i.step.Ramp+activeTimeout), func(ctx context.Context) (err error) {
		observed, err = i.fault.Active(ctx)
		return err
	})
	if before := i.Record().PreExisting; err == nil && before != "" {
		err = fmt.Errorf("the effect was there before the fault was injected: %s", before)
	}
	at := s.log.now()
	i.update(func(f *record.Fault) {
		f.Active = proofOf(observed, err)
		if err == nil {
			f.Inject.Effective = at
		}
	})
	if err != nil {
		i.emit(record.FromProbe, record.EventNotActive, err.Error())
		close(i.active)
		<-control
		return
	}
	i.emit(record.FromProbe, record.EventActive, observed)
	close(i.active)
	s.underWay.Go(func() { s.sampleOnce(ctx) })
	proof := <-control
	if !proof.Proved {
		proof = i.awaitControl(ctx)
	}
	i.update(func(f *record.Fault) { f.ControlUnaffected = proof })
	if !proof.Proved {
		i.emit(record.FromProbe, record.EventControlAffected, proof.Observed)
	}
}

// effectBefore measures whether the fault's effect is there although it is not injected yet, as when
// a node is killed that is dead: such a fault puts nothing to the test. It returns what was observed of it.
func (i *Injection) effectBefore(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, beforeTimeout)
	defer cancel()
	observed, err := i.fault.Active(ctx)
	if err != nil {
		return ""
	}
	return observed
}

// measureControl measures the control link or node once.
func (i *Injection) measureControl(ctx context.Context) record.Proof {
	return proofOf(i.fault.ControlUnaffected(ctx, i.scheduler.others(i.step.ID)))
}

// awaitControl measures the control link or node again until it is proved unaffected.
func (i *Injection) awaitControl(ctx context.Context) record.Proof {
	var observed string
	err := poll(ctx, i.scheduler.deadline(controlTimeout), func(ctx context.Context) (err error) {
		observed, err = i.fault.ControlUnaffected(ctx, i.scheduler.others(i.step.ID))
		return err
	})
	return proofOf(observed, err)
}

// proveCleared measures, after the heal, that no victim is affected any more.
func (i *Injection) proveCleared() {
	defer i.finish()
	ctx, s := i.scheduler.life, i.scheduler
	// What another fault still does to the same victims is not left over from this one.
	for len(s.others(i.step.ID)) > 0 && sleep(ctx, pollInterval) == nil {
		if _, err := i.fault.Cleared(ctx); err == nil {
			break
		}
	}
	var observed string
	err := poll(ctx, s.deadline(clearedTimeout), func(ctx context.Context) (err error) {
		observed, err = i.fault.Cleared(ctx)
		return err
	})
	at := s.log.now()
	i.update(func(f *record.Fault) {
		f.Cleared = proofOf(observed, err)
		if err == nil {
			f.Heal.Effective = at
		}
	})
	if err != nil {
		i.emit(record.FromProbe, record.EventNotCleared, err.Error())
		return
	}
	i.emit(record.FromProbe, record.EventCleared, observed)
}

func proofOf(observed string, err error) record.Proof {
	if err != nil {
		return record.Proof{Observed: err.Error()}
	}
	return record.Proof{Proved: true, Observed: observed}
}

// catalogued finds the entry of the catalogue that a fault is of.
func catalogued(f faults.Fault) (faults.Entry, bool) {
	for _, e := range faults.Catalogue() {
		if reflect.TypeOf(e.New()) == reflect.TypeOf(f) {
			return e, !reflect.ValueOf(f).IsNil()
		}
	}
	return faults.Entry{}, false
}
