// Package events judges what the system under test reported of itself: elections,
// traffic switches, the events that a scenario expects, and alarms about nodes.
package events

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// LeaderChange judges the objective that a leader was elected after the first fault, or that
// none was. The election events of a system decide; for a system that reports none, the terms of
// its acknowledgements do.
func LeaderChange(run *index.Run) []record.Finding {
	want := run.Objectives.LeaderChange
	if want == nil {
		return nil
	}
	f := record.Finding{Check: "leader change"}
	changed, at, how, known := leaderChange(run)
	switch {
	case len(run.Faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was no fault to change the leader"
	case !known:
		f.Verdict, f.Description = record.Unknown, "the system reports neither elections nor the terms of its acknowledgements"
	case changed == *want:
		f.Verdict, f.Description = record.Pass, how+", as required"
	case changed:
		f.Verdict, f.At, f.Description = record.Fail, at, how+", and none may be elected"
	default:
		f.Verdict, f.Description = record.Fail, how+", and one must be elected"
	}
	return []record.Finding{f}
}

func leaderChange(run *index.Run) (changed bool, at time.Duration, how string, known bool) {
	for _, e := range run.Record.Events {
		if e.Source != record.FromPlatform {
			continue
		}
		known = true
		if e.Kind == record.EventElected && e.At >= run.Start && e.At <= run.End {
			return true, e.At, fmt.Sprintf("leader elected %s after the first fault (%s)", duration.Format(e.At-run.Start), index.DescribeEvent(e)), true
		}
	}
	if known {
		return false, 0, "no leader was elected after the first fault", true
	}
	if changed, at, how, known = termChange(run); known {
		return changed, at, how, known
	}
	return probedChange(run)
}

// probedChange is what asking the nodes who leads has shown, where the system reports
// neither elections nor terms. It cannot see a leader that came and went in between.
func probedChange(run *index.Run) (changed bool, at time.Duration, how string, known bool) {
	for i := range run.Record.Events {
		e := &run.Record.Events[i]
		if !e.Election() {
			continue
		}
		known = true
		if e.At >= run.Start && e.At <= run.End {
			return true, e.At, fmt.Sprintf("%s was found to lead %s after the first fault", e.Node, duration.Format(e.At-run.Start)), true
		}
	}
	return false, 0, "whenever the nodes were asked, the leader was the one from before the first fault", known
}

// termChange compares the terms acknowledged before the first fault with those after it.
func termChange(run *index.Run) (changed bool, at time.Duration, how string, known bool) {
	var before, after uint64
	var first time.Duration
	for i := range run.Record.Ops {
		op := &run.Record.Ops[i]
		switch {
		case op.Outcome != history.OK || op.Term == 0 || op.Final:
		case op.Return < run.Start:
			before = max(before, op.Term)
		case op.Term > after:
			after, first = op.Term, op.Return
		}
	}
	switch {
	case before == 0 || after == 0:
		return false, 0, "", false
	case after > before:
		return true, first, fmt.Sprintf("term %d after term %d, first seen %s after the first fault", after, before, duration.Format(first-run.Start)), true
	default:
		return false, 0, fmt.Sprintf("term %d before and after the first fault", before), true
	}
}
