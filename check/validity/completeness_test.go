package validity_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestCompleteness(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(r *record.Run)
		verdict record.Verdict
	}{
		{"complete", func(*record.Run) {}, record.Pass},
		{"broken", func(r *record.Run) { r.AbortReason = "interrupted" }, record.Unknown},
		{"cut off", func(r *record.Run) { r.Partial = []string{"history.jsonl.zst is cut off"} }, record.Unknown},
		{"killed in the faults", func(r *record.Run) { r.Phases = r.Phases[:2]; r.Phases[1].To = record.NotReached }, record.Unknown},
		{"empty", func(r *record.Run) { r.Ops = nil }, record.Vacuous},
		{"absurd", func(r *record.Run) { r.Phases, r.Ops[0].Intended = nil, 1<<61 }, record.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			c.change(r)
			checktest.Want(t, judge(t, r), "run", c.verdict)
		})
	}
}

// A record that was cut off lacks the writes that were under way, whose values
// others may have read: it must not turn that into a failure.
func TestACutOffRecordProvesNoFailure(t *testing.T) {
	orphan := func() *record.Run {
		r := checktest.Lab{}.Run()
		i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return op.Kind == history.Read && op.Output != "" })
		r.Ops[i].Output = "whose write is not on record"
		return r
	}
	checktest.Want(t, judge(t, orphan()), "phantoms", record.Fail, "1 value")
	r := orphan()
	r.Partial = []string{"history.jsonl.zst is cut off"}
	for _, f := range judge(t, r).Findings {
		if f.Verdict == record.Fail { // the lab's outage is within its objective
			t.Errorf("%s fails on a record that is incomplete: %s", f.Check, f.Description)
		}
	}
	checktest.Want(t, judge(t, r), "phantoms", record.Unknown, "incomplete")
}

// What a run that was interrupted did not show might have come, had it gone on.
// What it did show stands.
func TestAnInterruptedRunProvesNoAbsence(t *testing.T) {
	yes, no := true, false
	lead := record.Event{At: 150 * ms, Source: record.FromPlatform, Kind: "elected", Node: "north-1"}
	move := record.Event{At: 150 * ms, Source: record.FromPlatform, Kind: "weights", Node: "north-1"}
	for _, c := range []struct {
		name, check string
		run         func() *record.Run
		change      func(r *record.Run)
		verdict     record.Verdict // of the interrupted run; without the interruption each fails
	}{
		{"never observed", "expected events", checktest.Lab{}.Run, func(r *record.Run) {
			r.Events, r.Objectives.ExpectEvents = []record.Event{lead}, []record.EventPattern{{Kind: "rejoined"}}
		}, record.Unknown},
		{"never moved", "traffic switch", checktest.Lab{}.Run, func(r *record.Run) { r.Events, r.Objectives.TrafficSwitch = []record.Event{lead}, &yes }, record.Unknown},
		{"moved, and must not be", "traffic switch", checktest.Lab{}.Run, func(r *record.Run) { r.Events, r.Objectives.TrafficSwitch = []record.Event{move}, &no }, record.Fail},
		{"nobody elected", "leader change", checktest.Lab{}.Run, func(r *record.Run) { r.Events, r.Objectives.LeaderChange = []record.Event{move}, &yes }, record.Unknown},
		{"elected, and none may be", "leader change", checktest.Lab{}.Run, func(r *record.Run) { r.Events, r.Objectives.LeaderChange = []record.Event{lead}, &no }, record.Fail},
		{"nothing refused", "load shedding", checktest.Lab{}.Run, func(r *record.Run) { r.Objectives.LoadShedding = true }, record.Unknown},
		{"not back after the heal", "disconnected operation", checktest.CutOff, func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Class() == history.Writes && op.Call > 200*ms {
					op.Outcome = history.Failed
				}
			}
		}, record.Unknown},
		{"too little served", "availability", checktest.Lab{Down: func(_ topology.Region, _ history.Class, due time.Duration) bool { return due > 150*ms }}.Run, func(r *record.Run) { r.Objectives.Availability = 0.9 }, record.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.run()
			c.change(r)
			checktest.Want(t, judge(t, r), c.check, record.Fail)
			r.AbortReason = "interrupted"
			checktest.Want(t, judge(t, r), c.check, c.verdict)
		})
	}
}

// An outage while a link proxy was gone is not charged to the system.
func TestAFailedSandboxProvesNothing(t *testing.T) {
	r := checktest.Lab{}.Run()
	r.Events = append(r.Events,
		record.Event{At: time.Second, Source: record.FromEngine, Kind: record.EventCrashed, Node: "north-1", Description: "exited by itself with status 9"})
	checktest.Want(t, judge(t, r), "node crashes", record.Fail)
	r.Events = append(r.Events,
		record.Event{At: time.Second, Source: record.FromEngine, Kind: record.EventSandboxFailed, Node: "east-1", Description: "the link proxy of east-1 was killed for its memory"})
	j := judge(t, r)
	checktest.Want(t, j, "run", record.Unknown, "the link proxy of east-1")
	checktest.Want(t, j, "node crashes", record.Unknown, "a part of the framework had failed")
	if j.Verdict != record.Unknown {
		t.Errorf("verdict %s, want unknown", j.Verdict)
	}
}

// A fault that our own hand could not heal is in force for ever: what clients met then is not charged to
// the system. What was lost is.
func TestAFaultThatIsNotHealedProvesNothingOfService(t *testing.T) {
	r := checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(100*ms, time.Hour)}.Run()
	checktest.Want(t, judge(t, r), "rto", record.Fail)
	r.Faults[0].HealError = "the engine does not answer"
	j := judge(t, r)
	checktest.Want(t, j, "rto", record.Unknown, "1.1-kill could not be healed and is in force ever since")
	if f := checktest.Finding(t, j, "rto"); f.Cause != record.CauseHarness || j.Cause != record.CauseHarness {
		t.Errorf("causes %q and %q, want harness", f.Cause, j.Cause)
	}
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return checktest.IsAdd(op) && op.Outcome == history.OK })
	checktest.Without(r, r.Ops[i].Key, r.Ops[i].Value)
	checktest.Want(t, judge(t, r), "rpo", record.Fail)
}

// On a busy machine a system is late, and may take its own nodes for dead: that is the machine's doing.
func TestABusyMachineExcusesReactionsAndNotLosses(t *testing.T) {
	no := false
	r := checktest.Lab{}.Run()
	r.Objectives.LeaderChange = &no
	r.Events = []record.Event{{At: 150 * ms, Source: record.FromPlatform, Kind: record.EventElected, Node: "north-1"}}
	i := checktest.Pick(t, r, 0, func(op *history.Op) bool { return checktest.IsAdd(op) && op.Outcome == history.OK })
	checktest.Without(r, r.Ops[i].Key, r.Ops[i].Value)
	checktest.Want(t, judge(t, r), "leader change", record.Fail)
	for at := time.Duration(0); at < 2*time.Second; at += 250 * ms {
		r.Machine = append(r.Machine, record.MachineSample{At: at + 250*ms, Length: 250 * ms, Busy: 1, CPUPressure: 0.6})
	}
	j := judge(t, r)
	checktest.Want(t, j, "leader change", record.Unknown, "no processor to spare (busy 100 %")
	checktest.Want(t, j, "rpo", record.Fail)
	late := checktest.Clone(r) // the machine was busy only after the election, which it cannot have caused
	late.Machine = nil
	for at := 200 * ms; at < 2*time.Second; at += 250 * ms {
		late.Machine = append(late.Machine, record.MachineSample{At: at + 250*ms, Length: 250 * ms, Busy: 1, CPUPressure: 0.6})
	}
	checktest.Want(t, judge(t, late), "leader change", record.Fail, "none may be elected")
	if f := checktest.Finding(t, j, "leader change"); f.Cause != record.CauseEnvironment {
		t.Errorf("cause %q, want environment", f.Cause)
	}
	if j.Verdict != record.Fail || j.Cause != "" {
		t.Errorf("the run is %s, cause %q; want the loss to decide", j.Verdict, j.Cause)
	}
}
