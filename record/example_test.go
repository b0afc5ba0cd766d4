package record_test

import (
	"fmt"
	"os"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// A run directory is created, written while the run goes on, and loaded when it is judged.
func ExampleCreate() {
	root, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)

	d, err := record.Create(root, record.Meta{ID: "2026-11-22T03-00-00Z-kill-leader-7f3a", Scenario: "kill-leader"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := d.Event(record.Event{At: 12 * time.Second, Source: record.FromPlatform, Kind: record.EventElected, Node: "north-1"}); err != nil {
		fmt.Println(err)
	}
	if err := d.Close(); err != nil {
		fmt.Println(err)
	}

	r, err := record.Load(d.Path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Scenario, r.Events[0].Kind, r.Events[0].Node, "at", r.Events[0].At)
	fmt.Println(r.Partial)
	// Output:
	// kill-leader elected north-1 at 12s
	// [plan.json is missing history.jsonl.zst is missing]
}

func ExampleWorst() {
	fmt.Println(record.Worst(record.Pass, record.Unknown, record.Vacuous))
	fmt.Println(record.Worst())
	// Output:
	// unknown
	// vacuous
}

// A negative control is as expected when exactly its checks fail.
func ExampleResult_AsExpected() {
	r := record.Result{
		Verdict: record.Fail, Expected: record.Fail, ExpectedFailures: []string{"rpo"},
		Findings: []record.Finding{{Check: "fault 1-kill", Verdict: record.Pass}, {Check: "rpo", Verdict: record.Fail}},
	}
	fmt.Println(r.AsExpected())
	r.ExpectedFailures = []string{"rto"}
	fmt.Println(r.AsExpected())
	// Output:
	// true
	// false
}
