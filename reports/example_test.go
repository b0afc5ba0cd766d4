package reports_test

import (
	"fmt"
	"os"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// The summary is a function of the record. It judges nothing.
func ExampleSummary() {
	r := &record.Run{Meta: record.Meta{ID: "run-1", Scenario: "kill-leader", Target: "mcp", Runtime: "local", Seed: 7}}
	r.Result = &record.Result{
		Verdict: record.Pass, Expected: record.Pass,
		RPO:      &record.RPO{Acked: 120, FinalReads: 36},
		Findings: []record.Finding{{Check: "rpo", Verdict: record.Pass, Description: "lost 0 of 120 acknowledged writes"}},
	}
	if err := reports.Summary(os.Stdout, r); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ### ✔ PASS: kill-leader
	//
	// Nothing lost of 120 acknowledged writes.
	//
	// | | check | found |
	// |---|---|---|
	// | ✔ pass | rpo | lost 0 of 120 acknowledged writes |
	//
	// mcp on local, seed 7, run `run-1`
	//
	// Again: `holdfast replay run-1`
}
