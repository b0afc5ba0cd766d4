package drill

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onsi/ginkgo/v2"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// EntryName is the name of the report entry that holds a run.
const EntryName = "holdfast run"

// RunRecord is what is attached to a spec's report: verdict.json, and a summary
// that quotes RTO and RPO, which Ginkgo's JUnit contains too.
type RunRecord struct {
	Run         string         `json:"run"`
	Scenario    string         `json:"scenario"`
	Runtime     string         `json:"runtime"`
	Dir         string         `json:"dir"`
	Report      string         `json:"report"`
	AbortReason string         `json:"abortReason,omitempty"`
	Result      *record.Result `json:"result"`
	// Summary is summary.md.
	Summary string `json:"summary"`
}

// UnmarshalJSON reads the entry of a Ginkgo report, with the present field names or with those
// that earlier versions wrote.
func (e *RunRecord) UnmarshalJSON(b []byte) error {
	type plain RunRecord // without this method
	stored := struct {
		*plain
		Broken    string         `json:"broken"`
		Judgement *record.Result `json:"judgement"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(b, &stored); err != nil {
		return fmt.Errorf("read entry %q of a report: %w", EntryName, err)
	}
	e.AbortReason = cmp.Or(e.AbortReason, stored.Broken)
	e.Result = cmp.Or(e.Result, stored.Judgement)
	return nil
}

// String is the verdict with RTO and RPO, and a line for each finding.
func (e RunRecord) String() string {
	if e.Result == nil {
		return fmt.Sprintf("%s on %s: not judged; %s", e.Scenario, e.Runtime, e.Report)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s: %s", e.Scenario, e.Runtime, e.Result.Verdict)
	if e.Result.RTO != nil {
		b.WriteString("; RTO " + recovery(e.Result.RTO))
	}
	if e.Result.RPO != nil {
		b.WriteString("; RPO " + loss(e.Result.RPO))
	}
	for _, f := range e.Result.Findings {
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
		AbortReason: r.AbortReason, Result: r.Result, Summary: summary.String(),
	})
}
