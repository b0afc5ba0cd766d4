package check

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// judgeLeader asserts that a leader was elected after the first fault, or that
// none was. A system that narrates is taken at its word; of one that does not,
// the terms of its acknowledgements tell.
func judgeLeader(_ context.Context, v *view, _ *record.Result) []record.Finding {
	if v.obj.LeaderChange == nil {
		return nil
	}
	f := record.Finding{Check: "leader change"}
	changed, how, known := v.leaderChange()
	switch {
	case len(v.faults) == 0:
		f.Verdict, f.Description = record.Vacuous, "there was no fault to change the leader"
	case !known:
		f.Verdict, f.Description = record.Unknown, "the system says neither whom it elected nor in which term it acknowledges"
	case changed == *v.obj.LeaderChange:
		f.Verdict, f.Description = record.Pass, how+", as it must be"
	case changed:
		f.Verdict, f.Description = record.Fail, how+", and none may be elected"
	default:
		f.Verdict, f.Description = record.Fail, how+", and one must be elected"
	}
	return []record.Finding{f}
}

func (v *view) leaderChange() (changed bool, how string, known bool) {
	for _, e := range v.run.Events {
		if e.Source != record.FromPlatform {
			continue
		}
		known = true
		if e.Kind == record.EventElected && e.At >= v.start && e.At <= v.end {
			return true, fmt.Sprintf("leader elected %s after the first fault (%s)", seconds(e.At-v.start), saysEvent(e)), true
		}
	}
	if known {
		return false, "no leader was elected after the first fault", true
	}
	var before, after uint64
	var first time.Duration
	for i := range v.run.Ops {
		op := &v.run.Ops[i]
		switch {
		case op.Outcome != history.OK || op.Term == 0 || op.Final:
		case op.Return < v.start:
			before = max(before, op.Term)
		case op.Term > after:
			after, first = op.Term, op.Return
		}
	}
	switch {
	case before == 0 || after == 0:
		return false, "", false
	case after > before:
		return true, fmt.Sprintf("term %d after term %d, first seen %s after the first fault", after, before, seconds(first-v.start)), true
	default:
		return false, fmt.Sprintf("term %d before and after the first fault", before), true
	}
}
