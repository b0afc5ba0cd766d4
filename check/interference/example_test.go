package interference_test

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// The load generator stood still for 300 ms, so the operation that was due meanwhile was sent late. The
// machine was free, so the harness is the cause.
func ExampleFind() {
	r := &record.Run{Ops: []history.Op{
		{Kind: history.Read, Intended: 700 * time.Millisecond, Call: time.Second, Return: time.Second + time.Millisecond, Outcome: history.OK},
	}}
	for _, w := range interference.Find(r, 100*time.Millisecond) {
		fmt.Println(w.Cause, w.Late, w.Worst)
	}
	// Output: harness 1 300ms
}
