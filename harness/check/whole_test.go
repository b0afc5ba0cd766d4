package check

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/record"
)

// A record that was cut off lacks the writes that were under way, whose values
// others may have read: it must not turn that into a failure.
func TestACutOffRecordProvesNoFailure(t *testing.T) {
	orphan := func() *record.Run {
		r := lab{}.run()
		i := pick(t, r, 0, func(op *history.Op) bool { return op.Kind == history.Read && op.Output != "" })
		r.Ops[i].Output = "whose write is not on record"
		return r
	}
	want(t, judge(t, orphan()), "phantoms", record.Fail, "1 value")
	r := orphan()
	r.Partial = []string{"history.jsonl.zst is cut off"}
	for _, f := range judge(t, r).Findings {
		if f.Verdict == record.Fail { // the lab's outage is within its objective
			t.Errorf("%s fails on a record that is not whole: %s", f.Promise, f.Says)
		}
	}
	want(t, judge(t, r), "phantoms", record.Unknown, "not whole")
}

func TestANodeThatExitsByItself(t *testing.T) {
	r := lab{}.run()
	want(t, judge(t, r), "nodes", record.Pass, "no node")
	r.Events = append(r.Events, record.Event{At: time.Second, Source: record.FromEngine, Kind: record.Crashed, Node: "north-1", Says: "exited by itself with status 9"})
	want(t, judge(t, r), "nodes", record.Fail, "north-1 exited by itself with status 9 at 1.0 s")
	r.Events[len(r.Events)-1].Kind = record.OutOfMemory
	want(t, judge(t, r), "nodes", record.Unknown, "north-1")
}
