package recovery_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/recovery"
	"github.com/mcp-resilience/holdfast/check/validity"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = checktest.Unit

// judge makes the checks of this package on a run in compressed time.
func judge(t *testing.T, r *record.Run) *record.Result {
	t.Helper()
	run := checktest.Index(t, r)
	j := &record.Result{}
	var rto, availability []record.Finding
	j.RTO, rto = recovery.RTO(run)
	j.Availability, availability = recovery.Availability(run)
	j.Findings = slices.Concat(rto, availability)
	validity.Downgrade(run, j.Findings)
	return j
}

// Time is compressed a hundredfold: 300 ms stand for the 30 s of the objective,
// 1 ms for the resolution of 100 ms.
func TestRTO(t *testing.T) {
	eastDown := topology.FaultImpact{Down: []topology.NodeID{"east-1"}}
	noMajority := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	cases := []struct {
		name      string
		lab       checktest.Lab
		change    func(*record.Run)
		verdict   record.Verdict
		rto       time.Duration // exact: stalls begin and end on bucket borders
		recovered bool
		phrase    string
	}{
		{name: "no outage", verdict: record.Pass, recovered: true, phrase: "RTO 0 s (±1 ms) ≤ 300 ms"},
		{
			name: "no fault, no outage", verdict: record.Pass, recovered: true, phrase: "RTO 0 s",
			change: func(r *record.Run) { r.Faults = nil },
		},
		{
			name: "a stall of 29 s", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(100*ms, 390*ms)},
			verdict: record.Pass, rto: 290 * ms, recovered: true, phrase: "RTO 290 ms (±1 ms) ≤ 300 ms",
		},
		{
			name: "a stall of 31 s", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(100*ms, 410*ms)},
			verdict: record.Fail, rto: 310 * ms, recovered: true, phrase: "RTO 310 ms (±1 ms) > 300 ms",
		},
		{
			name: "one series alone", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Only("north", history.Writes, checktest.Stall(100*ms, 410*ms))},
			verdict: record.Fail, rto: 310 * ms, recovered: true, phrase: "worst: north writes",
		},
		{
			name: "counted from the request though it begins later", lab: checktest.Lab{Down: checktest.Stall(130*ms, 150*ms)},
			verdict: record.Pass, rto: 50 * ms, recovered: true,
		},
		{
			name: "a success in between is no recovery", lab: checktest.Lab{Fault: 400 * ms, Down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 410*ms && (due < 200*ms || due >= 240*ms)
			}},
			verdict: record.Fail, rto: 310 * ms, recovered: true,
		},
		{
			name: "a brown-out is no recovery", lab: checktest.Lab{Fault: 400 * ms, Down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 420*ms && (due/(200*time.Microsecond))%7 == 0
			}},
			verdict: record.Fail, recovered: true, phrase: "> 300 ms",
		},
		{
			name: "slow is bad", lab: checktest.Lab{Slow: func(_ topology.Region, _ history.Class, due time.Duration) time.Duration {
				if due >= 110*ms && due < 160*ms {
					return 15 * ms
				}
				return 0
			}},
			verdict: record.Pass, rto: 60 * ms, recovered: true,
		},
		{
			name: "not recovered", lab: checktest.Lab{Down: checktest.Stall(110*ms, time.Hour)},
			verdict: record.Fail, rto: 200 * ms, recovered: false, phrase: "not recovered in 200 ms",
		},
		{
			name: "heal breaks it again", lab: checktest.Lab{Observe: 500 * ms, Down: checktest.Stall(200*ms, 520*ms)},
			verdict: record.Fail, rto: 320 * ms, recovered: true,
		},
		{
			name: "recovered, and broken again by heal", lab: checktest.Lab{Fault: 200 * ms, Observe: 200 * ms, Down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 120*ms || due >= 301*ms && due < 340*ms
			}},
			verdict: record.Pass, rto: 40 * ms, recovered: true,
		},
		{
			name: "the worst of three episodes", lab: checktest.Lab{Episodes: 3, Down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 110*ms || due >= 300*ms && due < 330*ms || due >= 500*ms && due < 520*ms
			}},
			verdict: record.Pass, rto: 30 * ms, recovered: true, phrase: "min 10.3 ms, median 20.3 ms, max 30.3 ms over 3 episodes (95 % confidence that at least 37 % of such faults keep to it)",
		},
		{
			name: "the next episode came before the time was up", lab: checktest.Lab{Episodes: 2, Down: checktest.Stall(100*ms, 310*ms)},
			verdict: record.Unknown, phrase: "not recovered in 200 ms, when the next episode began: leave more time",
		},
		{
			name: "not recovered in time before the next episode", lab: checktest.Lab{Episodes: 2, Observe: 250 * ms, Down: checktest.Stall(100*ms, 460*ms)},
			verdict: record.Fail, rto: 350 * ms, recovered: false,
		},
		{
			name: "an outage belongs to the heal that it follows", lab: checktest.Lab{Fault: 150 * ms, Down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 120*ms || due >= 248*ms && due < 252*ms // what was under way at the heal, too
			}},
			verdict: record.Pass, rto: 20 * ms, recovered: true, phrase: "RTO 20.3 ms",
		},
		{
			name: "one slow operation at the heal is not counted from the fault", lab: checktest.Lab{Fault: 150 * ms, Slow: func(r topology.Region, c history.Class, due time.Duration) time.Duration {
				if r == "east" && c == history.Writes && due == 245*ms {
					return 12 * ms
				}
				return 0
			}},
			verdict: record.Pass, rto: ms, recovered: true, phrase: "RTO 1.",
			change: func(r *record.Run) { // the bucket after it is the first good one; it is within the heal's first millisecond
				r.Faults[0].Heal.Requested = 245 * ms
			},
		},
		{
			name: "errors before the heal belong to the fault", lab: checktest.Lab{Fault: 250 * ms, Down: checktest.Stall(310*ms, 390*ms)},
			verdict: record.Pass, rto: 290 * ms, recovered: true,
		},
		{
			name: "a baseline that was never steady", lab: checktest.Lab{Fault: 400 * ms, Down: func(r topology.Region, c history.Class, due time.Duration) bool {
				return r == "east" && c == history.Reads && due%(25*ms) == 0
			}},
			verdict: record.Vacuous, phrase: "the baseline itself was never good for the 50 ms",
		},
		{
			name: "an objective finer than the load can tell", lab: checktest.Lab{Interval: 5 * ms},
			verdict: record.Unknown, phrase: "an objective of 2 ms cannot be judged to within 5 ms: raise the rate",
			change: func(r *record.Run) { r.Objectives.RTO = 2 * ms },
		},
		{
			name: "within tolerance the clock runs through the fault", lab: checktest.Lab{Cut: eastDown, Fault: 400 * ms, Down: checktest.Stall(100*ms, 410*ms)},
			verdict: record.Fail, rto: 310 * ms, recovered: true,
		},
		{
			name: "without a majority only the time from heal counts", lab: checktest.Lab{Cut: noMajority, Fault: 400 * ms, Observe: 200 * ms, Down: checktest.Stall(100*ms, 550*ms)},
			verdict: record.Pass, rto: 50 * ms, recovered: true, phrase: "counted from heal",
		},
		{
			name: "without a majority and too slow after heal", lab: checktest.Lab{Cut: noMajority, Observe: 500 * ms, Down: checktest.Stall(100*ms, 520*ms)},
			verdict: record.Fail, rto: 320 * ms, recovered: true,
		},
		{
			name: "observed too short", lab: checktest.Lab{Observe: 40 * ms},
			verdict: record.Unknown, phrase: "less than the stability window",
		},
		{
			name: "bad again at the very end", lab: checktest.Lab{Observe: 200 * ms, Down: checktest.Stall(390*ms, 392*ms)},
			verdict: record.Unknown, phrase: "too late to tell",
		},
		{
			name: "a baseline below its floor", lab: checktest.Lab{Down: checktest.Stall(20*ms, 40*ms)},
			verdict: record.Vacuous, phrase: "of the baseline was good, and 95 % are needed",
		},
		{
			name: "no baseline", verdict: record.Vacuous, phrase: "no baseline",
			change: func(r *record.Run) {
				r.Phases[0].To, r.Faults[0].Inject.Requested, r.Faults[0].Inject.Confirmed = 0, 0, 0
				r.Phases[1].From = 0
			},
		},
		{
			name: "operations that could not be sent", lab: checktest.Lab{Fault: 400 * ms}, verdict: record.Fail, rto: 310 * ms, recovered: true,
			change: func(r *record.Run) {
				for i := range r.Ops {
					if op := &r.Ops[i]; !op.Final && op.Intended >= 100*ms && op.Intended < 410*ms {
						op.Outcome, op.Error, op.Return = history.Failed, history.Dropped, op.Intended
					}
				}
			},
		},
		{
			name: "a generator that stood still", lab: checktest.Lab{Fault: 400 * ms}, verdict: record.Fail, rto: 310 * ms, recovered: true,
			change: func(r *record.Run) { checktest.Drop(r, 100*ms, 410*ms, func(int) bool { return true }) },
		},
		{
			name: "half the load is no recovery", lab: checktest.Lab{Fault: 400 * ms}, verdict: record.Unknown, phrase: "the load stalled",
			change: func(r *record.Run) { checktest.Drop(r, 100*ms, time.Hour, func(i int) bool { return i%2 == 0 }) },
		},
		{
			name: "cut off in an outage that may have ended in time", lab: checktest.Lab{Fault: 150 * ms, Observe: 50 * ms, Down: checktest.Stall(100*ms, time.Hour)},
			verdict: record.Unknown, phrase: "when the run was cut off",
			change: func(r *record.Run) { r.AbortReason = "interrupted" },
		},
		{
			name: "cut off after the time was up", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(100*ms, time.Hour)},
			verdict: record.Fail, phrase: "not recovered in",
			change: func(r *record.Run) { r.AbortReason = "interrupted" },
		},
		{
			name: "killed in an outage", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(100*ms, time.Hour)}, verdict: record.Fail, rto: 400 * ms, phrase: "not recovered in 400 ms",
			change: func(r *record.Run) {
				checktest.Drop(r, 500*ms, time.Hour, func(int) bool { return true })
				r.Phases = r.Phases[:2]
				r.Phases[1].To = record.NotReached
			},
		},
		{
			name: "what was under way when the fault struck is no part of the baseline", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(91*ms, 150*ms)},
			verdict: record.Pass, recovered: true, phrase: "≤ 300 ms",
		},
		{
			name: "what failed well before the fault is", lab: checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(80*ms, 150*ms)},
			verdict: record.Vacuous, phrase: "of the baseline was good",
		},
		{
			name: "no load", verdict: record.Vacuous, phrase: "no load was recorded",
			change: func(r *record.Run) { checktest.Drop(r, 0, time.Hour, func(int) bool { return true }) },
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.Run()
			if c.change != nil {
				c.change(r)
			}
			j := judge(t, r)
			checktest.Want(t, j, "rto", c.verdict, c.phrase)
			if c.verdict != record.Pass && c.verdict != record.Fail {
				return
			}
			if c.rto > 0 && !within(j.RTO.Worst, c.rto) {
				t.Errorf("RTO %v, want %v and the latency of the answer", j.RTO.Worst, c.rto)
			}
			if j.RTO.Recovered != c.recovered {
				t.Errorf("recovered %v, want %v", j.RTO.Recovered, c.recovered)
			}
		})
	}
}

// within reports whether an RTO is the time to when the first operation of stable service was due,
// and the latency of its answer, which is 300 µs and a little.
func within(rto, due time.Duration) bool { return rto >= due && rto < due+350*time.Microsecond }

// The error of a known outage is at most one bucket, wherever it begins and ends.
func TestRTOResolution(t *testing.T) {
	for _, offset := range []time.Duration{0, 130 * time.Microsecond, 500 * time.Microsecond, 999 * time.Microsecond} {
		for _, length := range []time.Duration{ms, 10 * ms, 100 * ms} {
			from := 100 * ms
			r := checktest.Lab{Fault: 200 * ms, Down: checktest.Stall(from, from+length+offset)}.Run()
			got := judge(t, r).RTO.Worst
			if wrong := got - length - offset; wrong < 0 || wrong > checktest.SLO.Bucket+350*time.Microsecond {
				t.Errorf("an outage of %v measures %v", length+offset, got)
			}
		}
	}
}

func TestRTOSeries(t *testing.T) {
	r := checktest.Lab{Observe: 200 * ms, Down: func(region topology.Region, _ history.Class, due time.Duration) bool {
		return region == "south" && (due >= 120*ms && due < 130*ms || due >= 135*ms && due < 140*ms || due >= 205*ms && due < 215*ms)
	}}.Run()
	for _, s := range judge(t, r).RTO.Series {
		switch s.Region {
		case "south":
			if len(s.Outages) != 2 || s.Outages[0] != (record.Span{From: 120 * ms, To: 140 * ms}) {
				t.Errorf("outages %v, want those less than 10 ms apart as one", s.Outages)
			}
			if s.LongestOutage != 20*ms {
				t.Errorf("longest outage %v", s.LongestOutage)
			}
			if !within(s.SinceHeal, 15*ms) {
				t.Errorf("since heal %v, want 15 ms and a latency", s.SinceHeal)
			}
			if s.FirstAck < 30*ms || s.FirstAck > 31*ms {
				t.Errorf("first acknowledgement after %v, want 30 ms and a latency", s.FirstAck)
			}
		default:
			if s.RTO != 0 || len(s.Outages) != 0 || !s.Eligible || s.SinceHeal != record.NotReached {
				t.Errorf("%s %s was disturbed: %+v", s.Region, s.Class, s)
			}
		}
	}
}

// Clients of a minority are judged from heal, the others from the fault.
func TestRTOOfAMinority(t *testing.T) {
	cut := topology.FaultImpact{}
	for _, n := range checktest.Three.Nodes {
		cut.CutFlows = append(cut.CutFlows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: n.ID}, Direction: topology.BothWays})
	}
	r := checktest.Lab{Cut: cut, Fault: 400 * ms, Observe: 200 * ms, Down: func(region topology.Region, _ history.Class, due time.Duration) bool {
		return region == "east" && due >= 100*ms && due < 520*ms || region == "north" && due >= 100*ms && due < 140*ms
	}}.Run()
	j := judge(t, r)
	checktest.Want(t, j, "rto", record.Pass, "RTO 40.3 ms")
	for _, s := range j.RTO.Series {
		wantRTO := map[topology.Region]time.Duration{"east": 20 * ms, "north": 40 * ms}[s.Region]
		if !within(s.RTO, wantRTO) || s.BadService != wantRTO || s.FromHeal != (s.Region == "east") {
			t.Errorf("%s %s: RTO %v from heal %v, want %v", s.Region, s.Class, s.RTO, s.FromHeal, wantRTO)
		}
	}
	for _, s := range j.Availability.Series {
		if (s.DueWithoutQuorum > 0) != (s.Region == "east") {
			t.Errorf("%s: %d operations due without a quorum", s.Region, s.DueWithoutQuorum)
		}
	}
}
