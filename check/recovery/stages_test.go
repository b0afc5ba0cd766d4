package recovery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

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
	r := checktest.Lab{Fault: 400 * ms, Down: checktest.Stall(110*ms, 270*ms)}.Run()
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
	checktest.Want(t, j, "rto stages", record.Fail, "elect took 100 ms > 50 ms")

	r.Objectives.Stages["elect"] = 100 * ms
	checktest.Want(t, judge(t, r), "rto stages", record.Pass)
	r.Events = slices.DeleteFunc(slices.Clone(events), func(e record.Event) bool { return e.Kind == "elected" })
	checktest.Want(t, judge(t, r), "rto stages", record.Fail, "switch traffic took 120 ms > 30 ms") // the missing stage's time falls to the next
	r.Objectives.Stages["switch"] = 200 * ms
	checktest.Want(t, judge(t, r), "rto stages", record.Vacuous, "1 stage within budget, and these did not take place: elect")
	r.Events = events
	r.Objectives.RTO = 100 * ms
	checktest.Want(t, judge(t, r), "rto", record.Fail, "longest stage: elect, 100 ms (stages count to the first answer)")
	r.Events = nil
	checktest.Want(t, judge(t, r), "rto stages", record.Vacuous, "no stage with a budget")
}

// A budget holds in each episode, not only in that of the longest recovery.
func TestStagesOfEveryEpisode(t *testing.T) {
	stalled := func(_ topology.Region, _ history.Class, due time.Duration) bool {
		return due >= 110*ms && due < 180*ms || due >= 310*ms && due < 350*ms
	}
	r := checktest.Lab{Episodes: 2, Down: stalled}.Run()
	elected := func(at time.Duration) record.Event {
		return record.Event{At: at, Source: record.FromPlatform, Kind: "elected", Node: "north-1"}
	}
	r.Objectives.Stages = map[string]time.Duration{"elect": 30 * ms}
	r.Events = []record.Event{elected(120 * ms), elected(340 * ms)}
	checktest.Want(t, judge(t, r), "rto stages", record.Fail, "elect took 40 ms > 30 ms in episode 2")
	r.Events[1] = elected(320 * ms)
	checktest.Want(t, judge(t, r), "rto stages", record.Pass, "2 stages within budget")
	r.Events = r.Events[:1]
	checktest.Want(t, judge(t, r), "rto stages", record.Vacuous, "1 stage within budget, and these did not take place: elect in episode 2")
}

// That the service never was stable again is not within any budget.
func TestAStableStageThatNeverCame(t *testing.T) {
	r := checktest.Lab{Down: func(_ topology.Region, _ history.Class, due time.Duration) bool { return due > 290*ms }}.Run()
	r.Objectives.Stages = map[string]time.Duration{"stable": time.Hour}
	checktest.Want(t, judge(t, r), "rto stages", record.Vacuous, "no stage with a budget")
}
