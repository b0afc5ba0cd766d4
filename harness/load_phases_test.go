package harness_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// A surge begins with the heal that it waits for, has the rate that it is to have, and reaches only whom it is for.
func TestASurgeAtTheHeal(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
	p.LoadPhases = []scenarios.LoadPhase{{
		When: trigger(t, "1-outage is healed"), Within: 10 * time.Second, For: 2 * time.Second, Times: 3,
		Only: "writes", Regions: []topology.Region{"east"},
	}}
	r := runOn(t, s, p)
	if r.Result.Verdict != record.Pass {
		t.Errorf("verdict %s, want pass: %+v", r.Result.Verdict, r.Result.Findings)
	}
	phase := r.LoadPhases[0]
	if healed := faultOnRecord(t, r, "1-outage").Heal.Confirmed; phase.Begin < healed || phase.Trigger.Cause != "1-outage is healed" {
		t.Errorf("it began at %v because %q; the outage was healed at %v", phase.Begin, phase.Trigger.Cause, healed)
	}
	if f := finding(r, "load phase 1-load"); f.Verdict != record.Pass {
		t.Errorf("%+v", f)
	}
	sent := map[topology.Region]map[history.Class]int{"east": {}, "north": {}}
	for _, op := range r.Ops {
		if op.Intended >= phase.Begin+100*time.Millisecond && op.Intended < phase.Begin+1900*time.Millisecond && !op.Final && sent[op.Region] != nil {
			sent[op.Region][op.Class()]++
		}
	}
	usual := sent["north"][history.Writes]
	if east := sent["east"]; usual == 0 || east[history.Writes] < 28*usual/10 || east[history.Writes] > 32*usual/10 || east[history.Reads] > 12*usual/10 {
		t.Errorf("in the surge %v were sent; want three times the writes of east and nothing else", sent)
	}
}

// A surge that does not begin leaves open how the system stands it.
func TestASurgeThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 300*time.Millisecond)
	p.LoadPhases = []scenarios.LoadPhase{{When: trigger(t, "node north-1 rejoining"), Within: 500 * time.Millisecond, For: 2 * time.Second, Times: 3}}
	r := runOn(t, s, p)
	if r.Result.Verdict != record.Unknown || r.Result.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want unknown, scenario: %+v", r.Result.Verdict, r.Result.Cause, finding(r, "load phase 1-load"))
	}
}
