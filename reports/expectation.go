package reports

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/record"
)

// expectation describes whether the run came out as its scenario expects, and
// which checks should have failed. It is empty when pass was expected and came.
func expectation(j *record.Result) string {
	expected := cmp.Or(j.Expected, record.Pass)
	want, got := clean(string(expected)), clean(string(j.Verdict))
	var but []string
	for _, f := range j.MissingFailures() {
		is := "was not judged"
		if f.Verdict != "" {
			is = "is " + clean(string(f.Verdict))
		}
		but = append(but, clean(f.Check)+" should have failed and "+is)
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
		return fmt.Sprintf("came out %s, as expected: %s failed", got, join(j.ExpectedFailures, ", "))
	case expected != record.Pass:
		return fmt.Sprintf("expected %s, came out %s: as expected", want, got)
	default:
		return ""
	}
}
