package harness_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// A guard heals every fault at once, keeps those to come from being injected, and the rest of the run goes on.
func TestGuards(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		guards scenarios.Guards
		reason string // empty: no guard is hit
	}{
		"too little is served":   {scenarios.Guards{Goodput: 0.5, GoodputFor: time.Second}, "for 1 s less than 50 % of all operations were good"},
		"it takes too long":      {scenarios.Guards{Duration: 2 * time.Second}, "the faults took longer than 2 s"},
		"an event of the system": {scenarios.Guards{Events: []record.EventPattern{{Kind: record.EventElected}}}, "the system reported elected node=north-1 term=3"},
		"none is hit": {scenarios.Guards{
			Goodput: 0.5, GoodputFor: 20 * time.Second, Duration: time.Minute, Events: []record.EventPattern{{Kind: record.EventConfirmed}},
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 5*time.Second)
			p.Guards = tt.guards
			p.Steps = append(p.Steps, scenarios.Step{
				ID: "2-kill", At: 6 * time.Second, For: 300 * time.Millisecond, Fault: "kill", With: &faults.Kill{}, On: topology.Selector{Region: "south"},
			})
			var target targets.Target = electing{s}
			r := runOn(t, target, p)
			outage, later := faultOnRecord(t, r, "1-outage"), slices.ContainsFunc(r.Faults, func(f record.Fault) bool { return f.ID == "2-kill" })
			lasted := outage.Heal.Requested - outage.Inject.Requested
			if tt.reason == "" {
				if lasted < 5*time.Second || !later || r.AbortReason != "" || r.Result.Verdict != record.Pass {
					t.Errorf("lasted %v, second fault injected %v, abort reason %q, verdict %s", lasted, later, r.AbortReason, r.Result.Verdict)
				}
				return
			}
			if !strings.HasPrefix(r.AbortReason, record.GuardStopped+tt.reason) {
				t.Errorf("abort reason %q, want %q", r.AbortReason, tt.reason)
			}
			if lasted >= 5*time.Second || !outage.Cleared.Proved || later {
				t.Errorf("the outage lasted %v, cleared %+v, second fault injected %v", lasted, outage.Cleared, later)
			}
			if f := finding(r, "run"); f.Verdict != record.Unknown || f.Cause != record.CauseScenario || r.Result.Verdict == record.Pass {
				t.Errorf("%+v; verdict %s", f, r.Result.Verdict)
			}
			if !slices.ContainsFunc(r.Ops, func(op history.Op) bool { return op.Final }) {
				t.Error("nothing was read back")
			}
		})
	}
}

// A fault that would go beyond the blast radius is not injected. Without a blast radius it is.
func TestBlastRadiusAtInjection(t *testing.T) {
	t.Parallel()
	for _, radius := range []scenarios.BlastRadius{{}, {Nodes: 1}, {Regions: 1}, {KeepQuorum: true}} {
		t.Run(strings.Trim(strings.ReplaceAll(describeRadius(radius), " ", "-"), "-"), func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			s.Leads = "north-1"
			p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 300*time.Millisecond)
			p.Steps[0] = scenarios.Step{ID: "1-kill", For: 3 * time.Second, Fault: "kill", With: &faults.Kill{}, On: topology.Selector{Region: "south"}}
			p.Steps = append(p.Steps, scenarios.Step{
				ID: "2-kill", At: time.Second, For: time.Second, Fault: "kill", With: &faults.Kill{}, On: topology.Selector{Role: topology.Leader},
			})
			p.BlastRadius = radius
			second := faultOnRecord(t, runOn(t, s, p), "2-kill")
			if bounded := radius != (scenarios.BlastRadius{}); bounded != (second.Refused != "") || bounded == (second.Inject.Requested >= 0) {
				t.Errorf("refused %q, requested %v", second.Refused, second.Inject.Requested)
			}
		})
	}
}

func describeRadius(b scenarios.BlastRadius) string {
	switch {
	case b.Nodes > 0:
		return "one node"
	case b.Regions > 0:
		return "one region"
	case b.KeepQuorum:
		return "a majority"
	}
	return "unbounded"
}
