package validity_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

// judge makes every check on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	return check.Judge(t.Context(), r, check.Options{SLO: checktest.SLO})
}

func TestFaultsNeedProof(t *testing.T) {
	cases := []struct {
		name    string
		change  func(f *record.Fault)
		verdict record.Verdict
		phrase  string
	}{
		{"proved", func(*record.Fault) {}, record.Pass, "active 1 ms after its request"},
		{"never active", func(f *record.Fault) { f.Active = record.Proof{Observed: "echo in 40 µs"} }, record.Vacuous, "had no measured effect: echo in 40 µs"},
		{"there before", func(f *record.Fault) { f.PreExisting = "exit" }, record.Vacuous, "its effect was there before it was injected: exit"},
		{"nothing measured", func(f *record.Fault) { f.Active = record.Proof{} }, record.Vacuous, "nothing was measured"},
		{"not cleared", func(f *record.Fault) { f.Cleared = record.Proof{Observed: "refused"} }, record.Unknown, "is not proved to be cleared: refused"},
		{"control affected", func(f *record.Fault) { f.ControlUnaffected = record.Proof{Observed: "refused"} }, record.Unknown, "control"},
		{"failed", func(f *record.Fault) { f.Error = "no such node" }, record.Unknown, "injecting it failed: no such node"},
		{"heal failed", func(f *record.Fault) { f.HealError = "no such node" }, record.Unknown, "healing it failed"},
		{"never healed", func(f *record.Fault) { f.Heal.Requested = record.NotReached }, record.Unknown, "never healed"},
		{"late", func(f *record.Fault) {
			f.Inject.Requested += 3400 * ms
			f.Heal.Requested += 3320 * ms
		}, record.Unknown, "was injected 3.4 s later than planned and lasted 20 ms of 100 ms"},
		{"a little late", func(f *record.Fault) { f.Inject.Requested -= 20 * ms; f.Heal.Planned += 20 * ms }, record.Pass, ""},
		{"shorter than planned", func(f *record.Fault) { f.Heal.Planned += 2 * time.Second }, record.Unknown, "lasted 100 ms, and 2.1 s was planned"},
		{"code decided when", func(f *record.Fault) { f.Inject.Planned, f.Heal.Planned = record.NotReached, record.NotReached }, record.Pass, "active"},
		{"never injected", func(f *record.Fault) { f.Inject.Requested = record.NotReached }, record.Vacuous, "never injected"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			c.change(&r.Faults[0])
			j := judge(t, r)
			checktest.Want(t, j, "fault 1.1-kill", c.verdict, c.phrase)
			if j.Verdict != c.verdict {
				t.Errorf("the run is %s, want %s", j.Verdict, c.verdict)
			}
		})
	}
}

// A fault whose trigger did not fire was not injected, so the run shows nothing: never a pass.
func TestATriggerThatDidNotFire(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.Faults = append(r.Faults, record.Fault{
		ID: "2-kill", Name: "kill", Description: "kill",
		Trigger: &record.Trigger{When: "leader-changed", Armed: 100 * ms, Deadline: 150 * ms, Fired: record.NotReached},
		Inject:  record.Times{Planned: record.NotReached, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
		Heal:    record.Times{Planned: record.NotReached, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
	})
	j := judge(t, r)
	checktest.Want(t, j, "fault 2-kill", record.Unknown, `was not injected: it waited 50 ms for "leader-changed", which did not happen`)
	if j.Verdict != record.Unknown || j.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want unknown, scenario", j.Verdict, j.Cause)
	}
}

// A fault that its scenario's blast radius did not allow leaves the run open.
func TestARefusedFault(t *testing.T) {
	r := checktest.Lab{}.Run()
	refused := r.Faults[0]
	refused.ID, refused.Refused, refused.Inject.Requested = "2-kill", "2 nodes would be victims at a time", record.NotReached
	r.Faults = append(r.Faults, refused)
	j := judge(t, r)
	checktest.Want(t, j, "fault 2-kill", record.Unknown, "was not injected: 2 nodes would be victims at a time")
	if j.Verdict != record.Unknown || j.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want unknown, scenario", j.Verdict, j.Cause)
	}
}

// A run that a guard stopped is open, and the scenario is the cause. What was lost counts all the same.
func TestAGuardStopsTheFaults(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.AbortReason = record.GuardStopped + "they took too long"
	j := judge(t, r)
	checktest.Want(t, j, "run", record.Unknown, "they took too long")
	if j.Verdict != record.Unknown || j.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want unknown, scenario", j.Verdict, j.Cause)
	}
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return checktest.IsAdd(op) && op.Outcome == history.OK })
	checktest.Without(r, r.Ops[i].Key, r.Ops[i].Value)
	checktest.Want(t, judge(t, r), "rpo", record.Fail)
}

// A step that came to nothing, and says that this is allowed, does not spoil a run in which
// another fault was injected. One in which none was proves nothing.
func TestASkippedFault(t *testing.T) {
	skipped := record.Fault{
		ID: "2-kill", Name: "kill", Description: "kill", Skipped: "on: {node: west-*, allowEmpty: true} matches no node",
		Inject: record.Times{Planned: 100 * ms, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
		Heal:   record.Times{Planned: 200 * ms, Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached},
	}
	r := checktest.Lab{}.Run()
	r.Faults = append(r.Faults, skipped)
	j := judge(t, r)
	checktest.Want(t, j, "fault 2-kill", record.Pass, "nothing was injected: on: {node: west-*, allowEmpty: true} matches no node")
	if j.Verdict != record.Pass {
		t.Errorf("verdict %s, want pass", j.Verdict)
	}
	alone := checktest.Lab{}.Run()
	skipped.ID = alone.Faults[0].ID
	alone.Faults = []record.Fault{skipped}
	j = judge(t, alone)
	checktest.Want(t, j, "fault "+skipped.ID, record.Vacuous, "nothing was injected, by this step or by another")
	if j.Verdict != record.Vacuous || j.Cause != record.CauseScenario {
		t.Errorf("verdict %s, cause %s; want vacuous, scenario", j.Verdict, j.Cause)
	}
}

// The twin without faults measures RTO 0 and is not a pass all the same.
func TestNoFaultTwin(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.Faults = nil
	j := judge(t, r)
	checktest.Want(t, j, "rto", record.Pass, "RTO 0 s")
	checktest.Want(t, j, "fault 1.1-kill", record.Vacuous, "never injected")
	if j.Verdict != record.Vacuous {
		t.Errorf("verdict %s, want vacuous", j.Verdict)
	}
}
