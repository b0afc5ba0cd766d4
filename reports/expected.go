package reports

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/record"
)

// expectation says whether the run came out as its scenario says it must, and
// which promise it was to break; empty when pass was expected and came.
func expectation(j *record.Result) string {
	expected := cmp.Or(j.Expected, record.Pass)
	want, got := clean(string(expected)), clean(string(j.Verdict))
	var but []string
	for _, f := range j.MissingFailures() {
		is := "was not judged"
		if f.Verdict != "" {
			is = "is " + clean(string(f.Verdict))
		}
		but = append(but, clean(f.Check)+" was to break and "+is)
	}
	for _, f := range j.UnprovenFaults() {
		but = append(but, clean(f.Check)+" is "+clean(string(f.Verdict)))
	}
	switch {
	case expected != j.Verdict:
		return fmt.Sprintf("expected %s, came out %s: NOT as expected", want, got)
	case len(but) > 0:
		return fmt.Sprintf("came out %s, but %s: NOT as expected", got, strings.Join(but, ", "))
	case len(j.ExpectedFailures) > 0:
		return fmt.Sprintf("came out %s, as expected: %s broken", got, join(j.ExpectedFailures, ", "))
	case expected != record.Pass:
		return fmt.Sprintf("expected %s, came out %s: as expected", want, got)
	default:
		return ""
	}
}
