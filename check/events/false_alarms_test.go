package events_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/events"
	"github.com/mcp-resilience/holdfast/check/validity"
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
	var alarms []record.Finding
	j.Alarms, alarms = events.FalseAlarms(run)
	j.Findings = slices.Concat(alarms, events.LeaderChange(run), events.TrafficSwitch(run), events.Expected(run))
	validity.Downgrade(run, j.Findings)
	return j
}

// platformEvent puts an event of the platform into a run.
func platformEvent(at int, kind string, by, about topology.NodeID) func(*record.Run) {
	return func(r *record.Run) {
		r.Events = append(r.Events, record.Event{
			At: time.Duration(at) * ms, Source: record.FromPlatform, Kind: record.EventKind(kind), Node: by, Fields: map[string]string{"peer": string(about)},
		})
	}
}

// The fault lasts from 100 to 200 ms; a stability window is 50 ms.
func TestFalseAlarms(t *testing.T) {
	down := topology.FaultImpact{Down: []topology.NodeID{"east-1"}}
	between := func(a, b topology.NodeID) topology.FaultImpact {
		return topology.FaultImpact{CutFlows: []topology.Flow{{Link: topology.Link{From: topology.Endpoint{Node: a}, To: b}, Direction: topology.Upstream}}}
	}
	alone := topology.MergeImpacts(between("east-1", "north-1"), between("south-1", "east-1"))
	for _, c := range []struct {
		name    string
		cut     topology.FaultImpact
		change  func(r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"about a node that is down", down, platformEvent(130, "suspect", "north-1", "east-1"), record.Pass, "1 alarm, 0 false"},
		{"confirmed, and it is down", down, platformEvent(130, "confirmed", "north-1", "east-1"), record.Pass, "1 alarm, 0 false"},
		{"about another node than the one that is down", down, platformEvent(130, "suspect", "north-1", "south-1"), record.Fail, "1 alarm, 1 false > 0"},
		{"before the fault", down, platformEvent(90, "suspect", "north-1", "east-1"), record.Fail, "1 false"},
		{"soon after the heal", down, platformEvent(240, "suspect", "north-1", "east-1"), record.Pass, "0 false"},
		{"long after the heal", down, platformEvent(270, "suspect", "north-1", "east-1"), record.Fail, "1 false"},
		{"slowness is no excuse", topology.FaultImpact{}, platformEvent(130, "suspect", "north-1", "east-1"), record.Fail, "1 false"},
		{"by one who cannot talk to it", between("east-1", "north-1"), platformEvent(130, "suspect", "north-1", "east-1"), record.Pass, "0 false"},
		{"by one who can", between("east-1", "north-1"), platformEvent(130, "suspect", "south-1", "east-1"), record.Fail, "1 false"},
		{"confirmed of a node that others still reach", between("east-1", "north-1"), platformEvent(130, "confirmed", "north-1", "east-1"), record.Fail, "1 false"},
		{"confirmed of a node that nobody reaches", alone, platformEvent(130, "confirmed", "north-1", "east-1"), record.Pass, "0 false"},
		{"confirmed of one left in the majority", alone, platformEvent(130, "confirmed", "north-1", "south-1"), record.Fail, "1 false"},
		{"about a node that exited by itself", topology.FaultImpact{}, func(r *record.Run) {
			r.Events = append(r.Events, record.Event{At: 120 * ms, Source: record.FromEngine, Kind: record.EventCrashed, Node: "east-1"})
			platformEvent(130, "suspect", "north-1", "east-1")(r)
		}, record.Pass, "0 false"},
		{"strikes are no alarms", down, platformEvent(90, "strike", "north-1", "east-1"), record.Pass, "0 alarms, 0 false"},
		{"after observation, while nodes are stopped", down, platformEvent(305, "suspect", "north-1", "south-1"), record.Pass, "0 alarms"},
		{"a system without events", down, func(*record.Run) {}, record.Unknown, "no events"},
		{"no fault and no alarm", down, func(r *record.Run) { platformEvent(130, "elected", "north-1", "")(r); r.Faults = nil }, record.Vacuous, "no fault"},
		{"no fault and an alarm", down, func(r *record.Run) { platformEvent(130, "suspect", "north-1", "east-1")(r); r.Faults = nil }, record.Fail, "1 false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{Cut: c.cut}.Run()
			none := 0
			r.Objectives.FalseAlarms = &none
			c.change(r)
			checktest.Want(t, judge(t, r), "false alarms", c.verdict, c.phrase)
		})
	}
}

func TestFalseAlarmsAreCountedThoughNotJudged(t *testing.T) {
	r := checktest.Lab{}.Run()
	platformEvent(130, "suspect", "north-1", "east-1")(r)
	j := judge(t, r)
	if j.Alarms == nil || j.Alarms.Raised != 1 || j.Alarms.FalseCount != 1 || len(j.Alarms.False) != 1 {
		t.Errorf("alarms %+v, want one, false", j.Alarms)
	}
	for _, f := range j.Findings {
		if f.Check == "false alarms" {
			t.Errorf("judged without an objective: %+v", f)
		}
	}
}
