package drill

import (
	"fmt"
	"strings"

	"github.com/onsi/ginkgo/v2"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// EntryName is the name of the report entry that holds a run.
const EntryName = "holdfast run"

// RunRecord is what is attached to a spec's report: verdict.json, and a summary
// that quotes RTO and RPO, which Ginkgo's JUnit carries too.
type RunRecord struct {
	Run       string         `json:"run"`
	Scenario  string         `json:"scenario"`
	Runtime   string         `json:"runtime"`
	Dir       string         `json:"dir"`
	Report    string         `json:"report"`
	Broken    string         `json:"broken,omitempty"`
	Judgement *record.Result `json:"judgement"`
	// Summary is summary.md.
	Summary string `json:"summary"`
}

// String is a line of figures for each promise.
func (e RunRecord) String() string {
	if e.Judgement == nil {
		return fmt.Sprintf("%s on %s: not judged; %s", e.Scenario, e.Runtime, e.Report)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s: %s", e.Scenario, e.Runtime, e.Judgement.Verdict)
	if e.Judgement.RTO != nil {
		b.WriteString("; RTO " + recovery(e.Judgement.RTO))
	}
	if e.Judgement.RPO != nil {
		b.WriteString("; RPO " + loss(e.Judgement.RPO))
	}
	for _, f := range e.Judgement.Findings {
		fmt.Fprintf(&b, "\n  %-8s %s: %s", f.Verdict, f.Check, f.Description)
	}
	b.WriteString("\n  report: " + e.Report)
	return b.String()
}

// attach adds the run to the report of the present spec.
func attach(r *Result) {
	var summary strings.Builder
	if err := reports.Summary(&summary, r.Run); err != nil {
		fmt.Fprintf(&summary, "no summary: %v", err)
	}
	ginkgo.AddReportEntry(EntryName, RunRecord{
		Run: r.ID, Scenario: r.Scenario, Runtime: r.Runtime, Dir: r.Dir, Report: r.Report(),
		Broken: r.AbortReason, Judgement: r.Result, Summary: summary.String(),
	})
}
