package harness

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// loadPhases is which phases of the load have begun, and when.
type loadPhases struct {
	mu    sync.RWMutex
	begun []begunPhase
}

type begunPhase struct {
	scenarios.LoadPhase
	at time.Duration
}

// begin notes that a phase begins at an instant.
func (l *loadPhases) begin(p scenarios.LoadPhase, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = append(l.begun, begunPhase{p, at})
}

// pace is how many times its usual rate the load of a region and class has at an instant.
func (l *loadPhases) pace(region topology.Region, class history.Class, at time.Duration) float64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	name := "reads"
	if class == history.Writes {
		name = "writes"
	}
	factor := 1.0
	for _, p := range l.begun {
		factor *= p.Factor(region, name, at-p.at)
	}
	return factor
}

// runLoadPhases carries out the phases of the load, each at its time or when what it waits for happens. It returns
// when all are over.
func (s *Session) runLoadPhases(ctx context.Context) {
	var all sync.WaitGroup
	for i, p := range s.plan.LoadPhases {
		all.Go(func() { s.runLoadPhase(ctx, i, p) })
	}
	all.Wait()
}

func (s *Session) runLoadPhase(ctx context.Context, i int, p scenarios.LoadPhase) {
	kept := record.LoadPhase{ID: p.ID(i), Description: p.String(), Begin: record.NotReached, End: record.NotReached}
	s.keepLoadPhase(kept)
	if sleep(ctx, s.timeline+p.At-s.log.now()) != nil {
		return
	}
	if !p.When.IsZero() {
		armed := s.log.now()
		kept.Trigger = &record.Trigger{When: p.When.String(), Armed: armed, Deadline: armed + p.Within, Fired: record.NotReached}
		s.keepLoadPhase(kept)
		f, err := s.triggers.await(ctx, s.system.cluster, p.When, p.Within, armed)
		if errors.Is(err, errNotTriggered) {
			s.log.notice(record.EventNotTriggered, "%s: %s did not happen", kept.ID, p.When)
		}
		if err != nil {
			return
		}
		fired := *kept.Trigger
		fired.Fired, fired.Cause = f.at, f.cause
		kept.Trigger = &fired
	}
	kept.Begin = s.log.now()
	s.loadPhases.begin(p, kept.Begin)
	s.keepLoadPhase(kept)
	s.log.notice(record.EventLoad, "%s", p)
	_ = sleep(ctx, p.For) // it ends with the run at the latest
	kept.End = s.log.now()
	s.keepLoadPhase(kept)
	s.log.notice(record.EventLoad, "%s is over", kept.ID)
}

// keepLoadPhase keeps the last state of a phase on record.
func (s *Session) keepLoadPhase(p record.LoadPhase) {
	s.log.change(func(run *record.Run) {
		run.LoadPhases = slices.Clone(run.LoadPhases)
		i := slices.IndexFunc(run.LoadPhases, func(x record.LoadPhase) bool { return x.ID == p.ID })
		if i < 0 {
			run.LoadPhases = append(run.LoadPhases, p)
			return
		}
		run.LoadPhases[i] = p
	})
}
