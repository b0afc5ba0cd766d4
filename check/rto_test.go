package check

import (
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// stall says that what is due in [from, to) gets no answer.
func stall(from, to time.Duration) func(topology.Region, history.Class, time.Duration) bool {
	return func(_ topology.Region, _ history.Class, due time.Duration) bool { return due >= from && due < to }
}

// only limits an outage to one series.
func only(region topology.Region, class history.Class, down func(topology.Region, history.Class, time.Duration) bool) func(topology.Region, history.Class, time.Duration) bool {
	return func(r topology.Region, c history.Class, due time.Duration) bool {
		return r == region && c == class && down(r, c, due)
	}
}

// Time is compressed a hundredfold: 300 ms stand for the 30 s of the objective,
// 1 ms for the resolution of 100 ms.
func TestRTO(t *testing.T) {
	eastDown := topology.FaultImpact{Down: []topology.NodeID{"east-1"}}
	noMajority := topology.FaultImpact{Down: []topology.NodeID{"east-1", "north-1"}}
	cases := []struct {
		name      string
		lab       lab
		change    func(*record.Run)
		verdict   record.Verdict
		rto       time.Duration // exact: stalls begin and end on bucket borders
		recovered bool
		says      string
	}{
		{name: "no outage", verdict: record.Pass, recovered: true, says: "RTO 0 s (±1 ms) ≤ 300 ms"},
		{
			name: "no fault, no outage", verdict: record.Pass, recovered: true, says: "RTO 0 s",
			change: func(r *record.Run) { r.Faults = nil },
		},
		{
			name: "a stall of 29 s", lab: lab{fault: 400 * ms, down: stall(100*ms, 390*ms)},
			verdict: record.Pass, rto: 290 * ms, recovered: true, says: "RTO 290 ms (±1 ms) ≤ 300 ms",
		},
		{
			name: "a stall of 31 s", lab: lab{fault: 400 * ms, down: stall(100*ms, 410*ms)},
			verdict: record.Fail, rto: 310 * ms, recovered: true, says: "RTO 310 ms (±1 ms) > 300 ms",
		},
		{
			name: "one series alone", lab: lab{fault: 400 * ms, down: only("north", history.Writes, stall(100*ms, 410*ms))},
			verdict: record.Fail, rto: 310 * ms, recovered: true, says: "worst: north writes",
		},
		{
			name: "counted from the request though it begins later", lab: lab{down: stall(130*ms, 150*ms)},
			verdict: record.Pass, rto: 50 * ms, recovered: true,
		},
		{
			name: "a success in between is no recovery", lab: lab{fault: 400 * ms, down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 410*ms && (due < 200*ms || due >= 240*ms)
			}},
			verdict: record.Fail, rto: 310 * ms, recovered: true,
		},
		{
			name: "a brown-out is no recovery", lab: lab{fault: 400 * ms, down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 420*ms && (due/(200*time.Microsecond))%7 == 0
			}},
			verdict: record.Fail, recovered: true, says: "> 300 ms",
		},
		{
			name: "slow is bad", lab: lab{slow: func(_ topology.Region, _ history.Class, due time.Duration) time.Duration {
				if due >= 110*ms && due < 160*ms {
					return 15 * ms
				}
				return 0
			}},
			verdict: record.Pass, rto: 60 * ms, recovered: true,
		},
		{
			name: "not recovered", lab: lab{down: stall(110*ms, time.Hour)},
			verdict: record.Fail, rto: 200 * ms, recovered: false, says: "not recovered in 200 ms",
		},
		{
			name: "heal breaks it again", lab: lab{observe: 500 * ms, down: stall(200*ms, 520*ms)},
			verdict: record.Fail, rto: 320 * ms, recovered: true,
		},
		{
			name: "recovered, and broken again by heal", lab: lab{fault: 200 * ms, observe: 200 * ms, down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 120*ms || due >= 301*ms && due < 340*ms
			}},
			verdict: record.Pass, rto: 40 * ms, recovered: true,
		},
		{
			name: "the worst of three episodes", lab: lab{episodes: 3, down: func(_ topology.Region, _ history.Class, due time.Duration) bool {
				return due >= 100*ms && due < 110*ms || due >= 300*ms && due < 330*ms || due >= 500*ms && due < 520*ms
			}},
			verdict: record.Pass, rto: 30 * ms, recovered: true, says: "min 10 ms, median 20 ms, max 30 ms over 3 episodes",
		},
		{
			name: "not recovered before the next episode", lab: lab{episodes: 2, down: stall(100*ms, 310*ms)},
			verdict: record.Fail, rto: 200 * ms, recovered: false,
		},
		{
			name: "within tolerance the clock runs through the fault", lab: lab{cut: eastDown, fault: 400 * ms, down: stall(100*ms, 410*ms)},
			verdict: record.Fail, rto: 310 * ms, recovered: true,
		},
		{
			name: "without a majority only the time from heal counts", lab: lab{cut: noMajority, fault: 400 * ms, observe: 200 * ms, down: stall(100*ms, 550*ms)},
			verdict: record.Pass, rto: 50 * ms, recovered: true, says: "counted from heal",
		},
		{
			name: "without a majority and too slow after heal", lab: lab{cut: noMajority, observe: 500 * ms, down: stall(100*ms, 520*ms)},
			verdict: record.Fail, rto: 320 * ms, recovered: true,
		},
		{
			name: "observed too short", lab: lab{observe: 40 * ms},
			verdict: record.Unknown, says: "less than the stability window",
		},
		{
			name: "bad again at the very end", lab: lab{observe: 200 * ms, down: stall(390*ms, 392*ms)},
			verdict: record.Unknown, says: "too late to tell",
		},
		{
			name: "a baseline below its floor", lab: lab{down: stall(20*ms, 40*ms)},
			verdict: record.Vacuous, says: "of the baseline was good, its floor is 95 %",
		},
		{
			name: "no baseline", verdict: record.Vacuous, says: "no baseline",
			change: func(r *record.Run) {
				r.Phases[0].To, r.Faults[0].Inject.Requested, r.Faults[0].Inject.Confirmed = 0, 0, 0
				r.Phases[1].From = 0
			},
		},
		{
			name: "operations that could not be sent", lab: lab{fault: 400 * ms}, verdict: record.Fail, rto: 310 * ms, recovered: true,
			change: func(r *record.Run) {
				for i := range r.Ops {
					if op := &r.Ops[i]; !op.Final && op.Intended >= 100*ms && op.Intended < 410*ms {
						op.Outcome, op.Error, op.Return = history.Failed, history.Dropped, op.Intended
					}
				}
			},
		},
		{
			name: "a generator that stood still", lab: lab{fault: 400 * ms}, verdict: record.Fail, rto: 310 * ms, recovered: true,
			change: func(r *record.Run) { drop(r, 100*ms, 410*ms, func(int) bool { return true }) },
		},
		{
			name: "half the load is no recovery", lab: lab{fault: 400 * ms}, verdict: record.Unknown, says: "the load stalled",
			change: func(r *record.Run) { drop(r, 100*ms, time.Hour, func(i int) bool { return i%2 == 0 }) },
		},
		{
			name: "cut off in an outage that may have ended in time", lab: lab{fault: 150 * ms, observe: 50 * ms, down: stall(100*ms, time.Hour)},
			verdict: record.Unknown, says: "when the run was cut off",
			change: func(r *record.Run) { r.AbortReason = "interrupted" },
		},
		{
			name: "cut off after the time was up", lab: lab{fault: 400 * ms, down: stall(100*ms, time.Hour)},
			verdict: record.Fail, says: "not recovered in",
			change: func(r *record.Run) { r.AbortReason = "interrupted" },
		},
		{
			name: "killed in an outage", lab: lab{fault: 400 * ms, down: stall(100*ms, time.Hour)}, verdict: record.Fail, rto: 400 * ms, says: "not recovered in 400 ms",
			change: func(r *record.Run) {
				drop(r, 500*ms, time.Hour, func(int) bool { return true })
				r.Phases = r.Phases[:2]
				r.Phases[1].To = record.NotReached
			},
		},
		{
			name: "what was under way when the fault struck is no part of the baseline", lab: lab{fault: 400 * ms, down: stall(91*ms, 150*ms)},
			verdict: record.Pass, recovered: true, says: "≤ 300 ms",
		},
		{
			name: "what failed well before the fault is", lab: lab{fault: 400 * ms, down: stall(80*ms, 150*ms)},
			verdict: record.Vacuous, says: "of the baseline was good",
		},
		{
			name: "no load", verdict: record.Vacuous, says: "no load was recorded",
			change: func(r *record.Run) { drop(r, 0, time.Hour, func(int) bool { return true }) },
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := c.lab.run()
			if c.change != nil {
				c.change(r)
			}
			j := judge(t, r)
			want(t, j, "rto", c.verdict, c.says)
			if c.verdict != record.Pass && c.verdict != record.Fail {
				return
			}
			if c.rto > 0 && j.RTO.Worst != c.rto {
				t.Errorf("RTO %v, want %v", j.RTO.Worst, c.rto)
			}
			if j.RTO.Recovered != c.recovered {
				t.Errorf("recovered %v, want %v", j.RTO.Recovered, c.recovered)
			}
		})
	}
}

// drop removes load that was due in a stretch.
func drop(r *record.Run, from, to time.Duration, which func(i int) bool) {
	kept := r.Ops[:0]
	for i, op := range r.Ops {
		if op.Final || op.Intended < from || op.Intended >= to || !which(i/6) {
			kept = append(kept, op)
		}
	}
	r.Ops = kept
}

// The error of a known outage is at most one bucket, wherever it begins and ends.
func TestRTOResolution(t *testing.T) {
	for _, offset := range []time.Duration{0, 130 * time.Microsecond, 500 * time.Microsecond, 999 * time.Microsecond} {
		for _, length := range []time.Duration{ms, 10 * ms, 100 * ms} {
			from := 100 * ms
			r := lab{fault: 200 * ms, down: stall(from, from+length+offset)}.run()
			got := judge(t, r).RTO.Worst
			if wrong := got - length - offset; wrong < -small.Bucket || wrong > small.Bucket {
				t.Errorf("an outage of %v measures %v", length+offset, got)
			}
		}
	}
}

func TestRTOSeries(t *testing.T) {
	r := lab{observe: 200 * ms, down: func(region topology.Region, _ history.Class, due time.Duration) bool {
		return region == "south" && (due >= 120*ms && due < 130*ms || due >= 135*ms && due < 140*ms || due >= 205*ms && due < 215*ms)
	}}.run()
	for _, s := range judge(t, r).RTO.Series {
		switch s.Region {
		case "south":
			if len(s.Outages) != 2 || s.Outages[0] != (record.Span{From: 120 * ms, To: 140 * ms}) {
				t.Errorf("outages %v, want those less than 10 ms apart as one", s.Outages)
			}
			if s.LongestOutage != 20*ms {
				t.Errorf("longest outage %v", s.LongestOutage)
			}
			if s.SinceHeal != 15*ms {
				t.Errorf("since heal %v, want 15 ms", s.SinceHeal)
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
	for _, n := range three.Nodes {
		cut.CutFlows = append(cut.CutFlows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: n.ID}, Direction: topology.BothWays})
	}
	r := lab{cut: cut, fault: 400 * ms, observe: 200 * ms, down: func(region topology.Region, _ history.Class, due time.Duration) bool {
		return region == "east" && due >= 100*ms && due < 520*ms || region == "north" && due >= 100*ms && due < 140*ms
	}}.run()
	j := judge(t, r)
	want(t, j, "rto", record.Pass, "RTO 40 ms")
	for _, s := range j.RTO.Series {
		wantRTO := map[topology.Region]time.Duration{"east": 20 * ms, "north": 40 * ms}[s.Region]
		if s.RTO != wantRTO || s.FromHeal != (s.Region == "east") {
			t.Errorf("%s %s: RTO %v from heal %v, want %v", s.Region, s.Class, s.RTO, s.FromHeal, wantRTO)
		}
	}
	for _, s := range j.Availability.Series {
		if (s.Minority > 0) != (s.Region == "east") {
			t.Errorf("%s: %d operations of a minority", s.Region, s.Minority)
		}
	}
}

func TestStages(t *testing.T) {
	events := []record.Event{
		{At: 50 * ms, Source: record.FromPlatform, Kind: "elected", Node: "east-1", Description: "before the fault"},
		{At: 120 * ms, Source: record.FromPlatform, Kind: "strike"},
		{At: 130 * ms, Source: record.FromPlatform, Kind: "suspect", Node: "north-1"},
		{At: 140 * ms, Source: record.FromPlatform, Kind: "confirmed"},
		{At: 240 * ms, Source: record.FromPlatform, Kind: "elected", Node: "north-1", Description: "term 3"},
		{At: 250 * ms, Source: record.FromEngine, Kind: "weights"},
		{At: 260 * ms, Source: record.FromPlatform, Kind: "weights"},
	}
	r := lab{fault: 400 * ms, down: stall(110*ms, 270*ms)}.run()
	r.Events = events
	r.Objectives.Stages = map[string]time.Duration{"elect": 50 * ms, "switch": 30 * ms}
	j := judge(t, r)
	var got []string
	at := 100 * ms
	for _, s := range j.RTO.Stages {
		if s.From != at {
			t.Errorf("%s begins at %v, want the end of the one before, %v", s.Name, s.From, at)
		}
		at = s.To
		got = append(got, s.Name)
	}
	for i, name := range []string{"detect", "arbitrate", "elect", "switch traffic", "first success", "stable"} {
		if i >= len(got) || got[i] != name {
			t.Fatalf("stages %v", got)
		}
	}
	want(t, j, "rto stages", record.Fail, "elect took 100 ms > 50 ms")

	r.Objectives.Stages["elect"] = 100 * ms
	want(t, judge(t, r), "rto stages", record.Pass)
	r.Events = slices.DeleteFunc(slices.Clone(events), func(e record.Event) bool { return e.Kind == "elected" })
	want(t, judge(t, r), "rto stages", record.Fail, "switch traffic took 120 ms > 30 ms") // the missing stage's time falls to the next
	r.Objectives.Stages["switch"] = 200 * ms
	want(t, judge(t, r), "rto stages", record.Vacuous, "1 stage within budget, and not seen: elect")
	r.Events = events
	r.Objectives.RTO = 100 * ms
	want(t, judge(t, r), "rto", record.Fail, "longest stage: elect, 100 ms (stages count to the first answer)")
	r.Events = nil
	want(t, judge(t, r), "rto stages", record.Vacuous, "no stage with a budget")
}

// A budget holds in each episode, not only in that of the longest recovery.
func TestStagesOfEveryEpisode(t *testing.T) {
	stalled := func(_ topology.Region, _ history.Class, due time.Duration) bool {
		return due >= 110*ms && due < 180*ms || due >= 310*ms && due < 350*ms
	}
	r := lab{episodes: 2, down: stalled}.run()
	told := func(at time.Duration) record.Event {
		return record.Event{At: at, Source: record.FromPlatform, Kind: "elected", Node: "north-1"}
	}
	r.Objectives.Stages = map[string]time.Duration{"elect": 30 * ms}
	r.Events = []record.Event{told(120 * ms), told(340 * ms)}
	want(t, judge(t, r), "rto stages", record.Fail, "elect took 40 ms > 30 ms in episode 2")
	r.Events[1] = told(320 * ms)
	want(t, judge(t, r), "rto stages", record.Pass, "2 stages within budget")
	r.Events = r.Events[:1]
	want(t, judge(t, r), "rto stages", record.Vacuous, "1 stage within budget, and not seen: elect in episode 2")
}

// That the service never was stable again is not within any budget.
func TestAStableStageThatNeverCame(t *testing.T) {
	r := lab{down: func(_ topology.Region, _ history.Class, due time.Duration) bool { return due > 290*ms }}.run()
	r.Objectives.Stages = map[string]time.Duration{"stable": time.Hour}
	want(t, judge(t, r), "rto stages", record.Vacuous, "no stage with a budget")
}

func TestSettled(t *testing.T) {
	r := lab{observe: 300 * ms, down: stall(100*ms, 230*ms)}.run() // healed at 200 ms, stable from 230 ms, so known at 280 ms
	r.Phases = r.Phases[:3]
	r.Phases[2].To = record.NotReached
	whole := r.Ops
	for _, c := range []struct {
		now  time.Duration
		want bool
	}{{150 * ms, false}, {220 * ms, false}, {279 * ms, false}, {282 * ms, true}, {300 * ms, true}} {
		r.Ops = nil
		for _, op := range whole {
			if op.Return <= c.now {
				r.Ops = append(r.Ops, op)
			}
		}
		if got := Stable(r, small, c.now); got != c.want {
			t.Errorf("settled at %v: %v, want %v", c.now, got, c.want)
		}
	}
}
