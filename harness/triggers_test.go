package harness_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// electing is a store that reports an election once it has been down.
type electing struct{ *harnesstest.Store }

func (e electing) StreamEvents(ctx context.Context, _ *cluster.Cluster, emit func(time.Time, record.Event)) {
	for !e.Down() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	emit(time.Now(), record.Event{Kind: record.EventElected, Node: "north-1", Fields: map[string]string{record.FieldTerm: "3"}})
	<-ctx.Done()
}

// switching is a store without events, which another node leads while it is down.
type switching struct{ *harnesstest.Store }

func (s switching) Resolve(context.Context, *cluster.Cluster, topology.Role) ([]topology.NodeID, error) {
	if s.Down() {
		return []topology.NodeID{"north-1"}, nil
	}
	return []topology.NodeID{"east-1"}, nil
}

func trigger(t *testing.T, line string) scenarios.Trigger {
	t.Helper()
	var out scenarios.Trigger
	if err := out.UnmarshalText([]byte(line)); err != nil {
		t.Fatal(err)
	}
	return out
}

// kill is a step that kills a node once something has happened.
func kill(t *testing.T, id, when string, node topology.NodeID) scenarios.Step {
	t.Helper()
	return scenarios.Step{
		ID: id, For: 300 * time.Millisecond, Fault: "kill", With: &faults.Kill{}, On: topology.Selector{Node: node},
		When: trigger(t, when), Within: 10 * time.Second,
	}
}

func runOn(t *testing.T, target targets.Target, p scenarios.Plan) *record.Run {
	t.Helper()
	r, _, err := harness.Run(t.Context(), p, harness.Options{Target: target, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return r
}

func faultOnRecord(t *testing.T, r *record.Run, id string) record.Fault {
	t.Helper()
	for _, f := range r.Faults {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no fault %s on record", id)
	return record.Fault{}
}

// Each kind of trigger fires when it should, and what fired it is on record.
func TestTriggers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target func(*harnesstest.Store) targets.Target
		steps  func(*testing.T) []scenarios.Step // after 1-outage, which lasts a second
		causes map[string]string                 // of each step
	}{
		"one after the other": {
			target: func(s *harnesstest.Store) targets.Target { return s },
			steps: func(t *testing.T) []scenarios.Step {
				t.Helper()
				return []scenarios.Step{
					kill(t, "2-kill", "1-outage is active", "south-1"),
					kill(t, "3-kill", "node south-1 rejoining", "south-1"),
					kill(t, "4-kill", "3-kill is cleared", "south-1"),
				}
			},
			causes: map[string]string{"2-kill": "1-outage ", "3-kill": "2-kill is healed", "4-kill": "3-kill is cleared"},
		},
		"writes": {
			target: func(s *harnesstest.Store) targets.Target { return s },
			steps: func(t *testing.T) []scenarios.Step {
				t.Helper()
				return []scenarios.Step{kill(t, "2-kill", "acknowledged >= 500", "south-1")}
			},
			causes: map[string]string{"2-kill": "500 writes were acknowledged"},
		},
		"events": {
			target: func(s *harnesstest.Store) targets.Target { return electing{s} },
			steps: func(t *testing.T) []scenarios.Step {
				t.Helper()
				return []scenarios.Step{kill(t, "2-kill", "leader-changed", "south-1")}
			},
			causes: map[string]string{"2-kill": "elected node=north-1 term=3"},
		},
		"an event with its fields": {
			target: func(s *harnesstest.Store) targets.Target { return electing{s} },
			steps: func(t *testing.T) []scenarios.Step {
				t.Helper()
				return []scenarios.Step{kill(t, "2-kill", "event elected term=3 node=north-1", "south-1")}
			},
			causes: map[string]string{"2-kill": "elected node=north-1 term=3"},
		},
		"who leads, of a system without events": {
			target: func(s *harnesstest.Store) targets.Target { return switching{s} },
			steps: func(t *testing.T) []scenarios.Step {
				t.Helper()
				return []scenarios.Step{kill(t, "2-kill", "leader-changed", "south-1")}
			},
			causes: map[string]string{"2-kill": "leads, and before it did"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
			p.Steps = append(p.Steps, tt.steps(t)...)
			r := runOn(t, tt.target(s), p)
			if r.Result.Verdict != record.Pass {
				t.Errorf("verdict %s, want pass: %+v", r.Result.Verdict, r.Result.Findings)
			}
			requireCauses(t, r, tt.causes)
		})
	}
}

// requireCauses wants each step to have been injected once its trigger had fired, for that reason.
func requireCauses(t *testing.T, r *record.Run, causes map[string]string) {
	t.Helper()
	for id, cause := range causes {
		f := faultOnRecord(t, r, id)
		switch {
		case f.Trigger == nil:
			t.Errorf("%s waited for nothing", id)
		case f.Trigger.Fired < f.Trigger.Armed || f.Inject.Requested < f.Trigger.Fired || f.Inject.Planned != f.Trigger.Fired:
			t.Errorf("%s: armed at %v, fired at %v, planned at %v, requested at %v", id, f.Trigger.Armed, f.Trigger.Fired, f.Inject.Planned, f.Inject.Requested)
		case !strings.Contains(f.Trigger.Cause, cause):
			t.Errorf("%s was fired by %q, want %q", id, f.Trigger.Cause, cause)
		default:
			t.Logf("%s: requested %v after its trigger, confirmed %v after it", id, f.Inject.Requested-f.Trigger.Fired, f.Inject.Confirmed-f.Trigger.Fired)
		}
	}
}

// A trigger that does not fire until its deadline leaves the run without its fault: unknown, and the
// scenario is the cause.
func TestATriggerThatDoesNotFire(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 300*time.Millisecond)
	never := kill(t, "2-kill", "node north-1 rejoining", "south-1")
	never.Within = 500 * time.Millisecond
	p.Steps = append(p.Steps, never)
	r := runOn(t, s, p)
	if f := finding(r, "fault 2-kill"); f.Verdict != record.Unknown || f.Cause != record.CauseScenario {
		t.Errorf("%+v, want unknown, scenario", f)
	}
	if r.Result.Verdict != record.Unknown || r.Result.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want unknown, scenario", r.Result.Verdict, r.Result.Cause)
	}
	if f := faultOnRecord(t, r, "2-kill"); f.Inject.Requested != record.NotReached || f.Trigger.Fired != record.NotReached {
		t.Errorf("it was injected: %+v", f)
	}
}

// A replay of what happened waits for the same again.
func TestAReplayFollowsTheCause(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
	p.Steps = append(p.Steps, kill(t, "2-kill", "1-outage is healed", "south-1"))
	r := runOn(t, s, p)
	again, err := scenarios.Pin(p, r)
	if err != nil {
		t.Fatal(err)
	}
	s2 := harnesstest.NewStore()
	again.Steps[0].With = harnesstest.Outage{Store: s2}
	again.Steps[0].For = 2 * time.Second // the cause comes later, and what waits for it with it
	requireCauses(t, runOn(t, s2, again), map[string]string{"2-kill": "1-outage is healed"})
}

// A system that reports no events is never waited for.
func TestEventsOfASystemWithoutAny(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
	p.Steps = append(p.Steps, kill(t, "2-kill", "event elected", "south-1"))
	_, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), `step 2-kill waits for "event elected", and target store reports no events`) {
		t.Errorf("error is %v", err)
	}
}
