package drill

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// Result is a run, a session or a window that was carried out and judged. It notes which of
// its findings the spec has asserted on, whichever way the assertion was meant to come out.
type Result struct {
	*record.Run
	Dir string // its run directory

	mu       sync.Mutex
	all      bool            // the verdict as a whole was asserted on
	asserted map[string]bool // checks
}

// Report is the path of the run's report.html.
func (r *Result) Report() string { return filepath.Join(r.Dir, reports.HTMLFile) }

// resultIn is the result that a matcher is given.
func resultIn(actual any) (*Result, bool) {
	switch r := actual.(type) {
	case *Result:
		return r, r != nil && r.Run != nil
	case *harness.Result: // of a session that the spec drives without this package
		if r != nil && r.Run != nil {
			return &Result{Run: r.Run, Dir: r.Dir}, true
		}
	}
	return nil, false
}

// noteAsserted notes that the spec asserts on these checks, or with none on the verdict as a whole.
func (r *Result) noteAsserted(checks []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(checks) == 0 {
		r.all = true
	}
	if r.asserted == nil {
		r.asserted = map[string]bool{}
	}
	for _, c := range checks {
		r.asserted[c] = true
	}
}

// overlooked lists the findings that are not a pass, and that the spec neither asserted on nor ignores.
// That the scenario expects a failure excuses none: the spec says so with AsExpected.
func (r *Result) overlooked(ignored []string) []record.Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Result == nil || r.all {
		return nil
	}
	var out []record.Finding
	for _, f := range r.Result.Findings {
		if f.Verdict != record.Pass && !r.asserted[f.Check] && !slices.Contains(ignored, f.Check) {
			out = append(out, f)
		}
	}
	return out
}

// overlookedMessage is why a spec fails that overlooks findings.
func overlookedMessage(r *Result, findings []record.Finding) string {
	lines := []string{
		"The spec asserts nothing about findings that are not a pass. Of " + title(r),
	}
	lines = append(lines, findingLines(findings)...)
	var names []string
	for _, f := range findings {
		if slices.Contains(record.Checks(), f.Check) {
			names = append(names, fmt.Sprintf("%q", f.Check))
		}
	}
	advice := "Assert on them: drill.Pass() and drill.AsExpected() assert on all of a run"
	if len(names) > 0 {
		advice += "; what the spec is not about is named in drill.IgnoreChecks(" + strings.Join(names, ", ") + ")"
	}
	return strings.Join(append(append(lines, advice), pointers(r)...), "\n")
}

// failOverlooked fails the present spec for what it overlooks of its results, unless it has failed
// or was skipped: then it has not come to its last assertion.
func failOverlooked(ignored []string, results ...*Result) {
	if spec := ginkgo.CurrentSpecReport(); spec.Failed() || spec.State.Is(types.SpecStateSkipped) {
		return
	}
	var messages []string
	for _, r := range results {
		if findings := r.overlooked(ignored); len(findings) > 0 {
			messages = append(messages, overlookedMessage(r, findings))
		}
	}
	if len(messages) > 0 {
		ginkgo.Fail(strings.Join(messages, "\n\n"))
	}
}
