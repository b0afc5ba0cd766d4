package drill_test

import (
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// A run that recovered in time and lost a write. In a spec the result comes from
// drill.Run or from a session's Finish, and Expect is Gomega's own.
func Example() {
	run := &drill.Result{Run: &record.Run{
		Meta: record.Meta{ID: "r1", Scenario: "kill-leader", Runtime: "local"},
		Result: &record.Result{
			Verdict: record.Fail,
			Findings: []record.Finding{
				{Check: "rto", Verdict: record.Pass, Description: "2.3 s"},
				{Check: "rpo", Verdict: record.Fail, Description: "1 lost"},
			},
			RTO: &record.RTO{Objective: 30 * time.Second, Worst: 2300 * time.Millisecond, Recovered: true},
			RPO: &record.RPO{Attempted: 110, Acked: 100, FinalReads: 9, Lost: []record.LostWrite{{
				Op:      history.Op{Kind: history.Add, Key: "s1", Value: "v42", Region: "east"},
				Missing: []topology.NodeID{"north-1"},
			}}},
		},
	}}
	g := gomega.NewGomega(func(string, ...int) {}) // a failure returns false instead of ending a spec
	fmt.Println("recovered within 30 s:", g.Expect(run).To(drill.RecoverWithin(30*time.Second)))
	fmt.Println("recovered within 1 s:", g.Expect(run).To(drill.RecoverWithin(time.Second)))
	fmt.Println("lost nothing:", g.Expect(run).To(drill.LoseNothing()))
	// Output:
	// recovered within 30 s: true
	// recovered within 1 s: false
	// lost nothing: false
}
