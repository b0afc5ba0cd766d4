package validity_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

func TestANodeThatExitsByItself(t *testing.T) {
	r := checktest.Lab{}.Run()
	checktest.Want(t, judge(t, r), "node crashes", record.Pass, "no node")
	r.Events = append(r.Events, record.Event{At: time.Second, Source: record.FromEngine, Kind: record.EventCrashed, Node: "north-1", Description: "exited by itself with status 9"})
	checktest.Want(t, judge(t, r), "node crashes", record.Fail, "north-1 exited by itself with status 9 at 1 s")
	r.Events[len(r.Events)-1].Kind = record.EventOutOfMemory
	checktest.Want(t, judge(t, r), "node crashes", record.Unknown, "north-1")
}
