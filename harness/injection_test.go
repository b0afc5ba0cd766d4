package harness_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// TestAnEffectThatWasThereBeforeProvesNothing: what breaks what is broken already has put nothing to the test.
func TestAnEffectThatWasThereBeforeProvesNothing(t *testing.T) {
	t.Parallel()
	store := harnesstest.NewStore()
	s := startSession(t, t.Context(), config(t, store))
	first := inject(t, s, harnesstest.Outage{Store: store}, topology.Selector{All: true})
	_, err := s.Inject(t.Context(), harnesstest.Outage{Store: store}, topology.Selector{All: true})
	if err == nil || !strings.Contains(err.Error(), "the effect was there before the fault was injected: no answer") {
		t.Errorf("error %v, want that the effect was there before", err)
	}
	heal(t, first)
	r := finish(t, s)
	if got := finding(r.Run, "fault 1-outage"); got.Verdict != record.Pass {
		t.Errorf("first fault: %+v", got)
	}
	if got := finding(r.Run, "fault 2-outage"); got.Verdict != record.Vacuous || got.Cause != record.CauseScenario {
		t.Errorf("second fault: %+v, want vacuous, cause scenario", got)
	}
}

// TestAHealIsTriedAgain: an engine that refuses for a moment leaves no fault in force.
func TestAHealIsTriedAgain(t *testing.T) {
	t.Parallel()
	store := harnesstest.NewStore()
	refusals := &atomic.Int32{}
	refusals.Store(3)
	f := refusedHeal{harnesstest.Outage{Store: store}, refusals}
	r, _ := drill(t, t.Context(), store, harnesstest.Plan(store, f, time.Second))
	if got := finding(r, "fault 1-outage"); got.Verdict != record.Pass || refusals.Load() >= 0 {
		t.Errorf("%+v, with %d refusals left, want a heal after three", got, refusals.Load())
	}
}

// refusedHeal is an outage whose heal is refused a few times.
type refusedHeal struct {
	harnesstest.Outage
	left *atomic.Int32
}

func (f refusedHeal) Prepare(v faults.Victims) faults.Injection {
	return refusedInjection{f.Outage.Prepare(v), f.left}
}

type refusedInjection struct {
	faults.Injection
	left *atomic.Int32
}

func (i refusedInjection) Heal(ctx context.Context) error {
	if i.left.Add(-1) >= 0 {
		return errors.New("the engine refuses")
	}
	return i.Injection.Heal(ctx)
}
