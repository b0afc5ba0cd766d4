package events_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

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
	asked := func(at ...int) func(r *record.Run) {
		return func(r *record.Run) {
			for i := range r.Ops {
				r.Ops[i].Term = 0
			}
			for _, t := range at {
				r.Events = append(r.Events, record.Event{At: time.Duration(t) * ms, Source: record.FromProbe, Kind: "elected", Node: "north-1"})
			}
		}
	}
	for _, c := range []struct {
		name    string
		must    *bool
		change  func(r *record.Run)
		verdict record.Verdict
		phrase  string
	}{
		{"required and there", &yes, elected(130), record.Pass, "leader elected 30 ms after the first fault"},
		{"required and missing", &yes, elected(0), record.Fail, "no leader was elected"},
		{"required, before the fault only", &yes, elected(90), record.Fail, "no leader was elected"},
		{"forbidden and there", &no, elected(130), record.Fail, "none may be elected"},
		{"forbidden and missing", &no, elected(0), record.Pass, "no leader was elected"},
		{"by its term", &yes, terms(3), record.Pass, "term 3 after term 2"},
		{"by its term, unchanged", &yes, terms(2), record.Fail, "term 2 before and after"},
		{"cannot be determined", &yes, func(r *record.Run) {
			for i := range r.Ops {
				r.Ops[i].Term = 0
			}
		}, record.Unknown, "neither"},
		{"found by asking", &yes, asked(1, 130), record.Pass, "north-1 was found to lead 30 ms after the first fault"},
		{"found by asking, and forbidden", &no, asked(1, 130), record.Fail, "none may be elected"},
		{"not found by asking", &yes, asked(1), record.Fail, "the leader was the one from before"},
		{"the system's own word counts first", &no, func(r *record.Run) {
			r.Events = append(r.Events, record.Event{At: 130 * ms, Source: record.FromProbe, Kind: "elected", Node: "north-1"})
		}, record.Pass, "term 2 before and after"},
		{"no fault", &no, func(r *record.Run) { r.Faults = nil }, record.Vacuous, "no fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			r.Objectives.LeaderChange = c.must
			c.change(r)
			checktest.Want(t, judge(t, r), "leader change", c.verdict, c.phrase)
		})
	}
}
