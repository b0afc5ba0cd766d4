package check

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestFaultsNeedProof(t *testing.T) {
	cases := []struct {
		name    string
		change  func(f *record.Fault)
		verdict record.Verdict
		says    string
	}{
		{"proved", func(*record.Fault) {}, record.Pass, "felt 1 ms after its request"},
		{"never felt", func(f *record.Fault) { f.Active = record.Proof{Observed: "echo in 40 µs"} }, record.Vacuous, "not felt: echo in 40 µs"},
		{"nothing measured", func(f *record.Fault) { f.Active = record.Proof{} }, record.Vacuous, "nothing was measured"},
		{"not gone", func(f *record.Fault) { f.Cleared = record.Proof{Observed: "refused"} }, record.Unknown, "not proved to be gone: refused"},
		{"not spared", func(f *record.Fault) { f.ControlUnaffected = record.Proof{Observed: "refused"} }, record.Unknown, "neighbour"},
		{"failed", func(f *record.Fault) { f.Error = "no such node" }, record.Unknown, "injecting it failed: no such node"},
		{"heal failed", func(f *record.Fault) { f.HealError = "no such node" }, record.Unknown, "healing it failed"},
		{"never healed", func(f *record.Fault) { f.Heal.Requested = record.NotReached }, record.Unknown, "never healed"},
		{"never injected", func(f *record.Fault) { f.Inject.Requested = record.NotReached }, record.Vacuous, "never injected"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := lab{}.run()
			c.change(&r.Faults[0])
			j := judge(t, r)
			want(t, j, "fault 1.1-kill", c.verdict, c.says)
			if j.Verdict != c.verdict {
				t.Errorf("the run is %s, want %s", j.Verdict, c.verdict)
			}
		})
	}
}

// The twin without faults measures RTO 0 and is not a pass all the same.
func TestNoFaultTwin(t *testing.T) {
	r := lab{}.run()
	r.Faults = nil
	j := judge(t, r)
	want(t, j, "rto", record.Pass, "RTO 0 s")
	want(t, j, "fault 1.1-kill", record.Vacuous, "never injected")
	if j.Verdict != record.Vacuous {
		t.Errorf("verdict %s, want vacuous", j.Verdict)
	}
}

func TestRunIsWhole(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(r *record.Run)
		verdict record.Verdict
	}{
		{"whole", func(*record.Run) {}, record.Pass},
		{"broken", func(r *record.Run) { r.AbortReason = "interrupted" }, record.Unknown},
		{"cut off", func(r *record.Run) { r.Partial = []string{"history.jsonl.zst is cut off"} }, record.Unknown},
		{"killed in the faults", func(r *record.Run) { r.Phases = r.Phases[:2]; r.Phases[1].To = record.NotReached }, record.Unknown},
		{"empty", func(r *record.Run) { r.Ops = nil }, record.Vacuous},
		{"absurd", func(r *record.Run) { r.Phases, r.Ops[0].Intended = nil, 1<<61 }, record.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lab{}.run()
			c.change(r)
			want(t, judge(t, r), "run", c.verdict)
		})
	}
}

func TestLeaderChange(t *testing.T) {
	yes, no := true, false
	elected := func(at int) func(r *record.Run) {
		return func(r *record.Run) {
			r.Events = append(r.Events, record.Event{At: 1, Source: record.FromPlatform, Kind: "elected"}, record.Event{At: 130 * ms, Source: record.FromEngine, Kind: "elected"})
			if at > 0 {
				r.Events = append(r.Events, record.Event{At: time.Duration(at) * ms, Source: record.FromPlatform, Kind: "elected", Description: "term 3"})
			}
		}
	}
	terms := func(after uint64) func(r *record.Run) {
		return func(r *record.Run) {
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Call > 150*ms {
					op.Term = after
				}
			}
		}
	}
	for _, c := range []struct {
		name    string
		must    *bool
		change  func(r *record.Run)
		verdict record.Verdict
		says    string
	}{
		{"required and there", &yes, elected(130), record.Pass, "leader elected 30 ms after the first fault"},
		{"required and missing", &yes, elected(0), record.Fail, "no leader was elected"},
		{"required, before the fault only", &yes, elected(90), record.Fail, "no leader was elected"},
		{"forbidden and there", &no, elected(130), record.Fail, "none may be elected"},
		{"forbidden and missing", &no, elected(0), record.Pass, "no leader was elected"},
		{"by its term", &yes, terms(3), record.Pass, "term 3 after term 2"},
		{"by its term, unchanged", &yes, terms(2), record.Fail, "term 2 before and after"},
		{"cannot be told", &yes, func(r *record.Run) {
			for i := range r.Ops {
				r.Ops[i].Term = 0
			}
		}, record.Unknown, "neither"},
		{"no fault", &no, func(r *record.Run) { r.Faults = nil }, record.Vacuous, "no fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lab{}.run()
			r.Objectives.LeaderChange = c.must
			c.change(r)
			want(t, judge(t, r), "leader change", c.verdict, c.says)
		})
	}
}

func TestAvailability(t *testing.T) {
	r := lab{down: stall(100*ms, 150*ms)}.run() // a quarter of 200 ms
	r.Objectives.Availability = 0.75
	j := judge(t, r)
	want(t, j, "availability", record.Pass, "75 % of 6000 operations good ≥ 75 %")
	r.Objectives.Availability = 0.76
	want(t, judge(t, r), "availability", record.Fail, "75 % of 6000 operations good < 76 %")
	for _, s := range j.Availability.Series {
		if s.Due != 1000 || s.Good != 750 || s.P50 < 300_000 || s.P50 > 310_000 || s.Max != 300_000 && s.Max > 310_000 {
			t.Errorf("%+v", s)
		}
	}
}

func TestKindWithoutSuccess(t *testing.T) {
	r := lab{}.run()
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Kind == history.CAS {
			op.Outcome = history.Unknown
		}
	}
	want(t, judge(t, r), "every kind succeeds", record.Vacuous, "never succeeded: cas (900 tried)")
	r.Ops = nil
	want(t, judge(t, r), "every kind succeeds", record.Vacuous, "no operation was sent")
}

func TestUnsentIsCounted(t *testing.T) {
	r := lab{}.run()
	i := pick(t, r, 0, func(op *history.Op) bool { return op.Intended > 100*ms && op.Region == "south" })
	r.Ops[i].Outcome, r.Ops[i].Error = history.Failed, history.Dropped
	n := 0
	for _, s := range judge(t, r).Availability.Series {
		if s.Region == topology.Region("south") {
			n += s.Dropped
		}
	}
	if n != 1 {
		t.Errorf("%d unsent, want 1", n)
	}
}
