package validity_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/record"
)

// A run that ended before it sent an operation passes nothing: "no stale reads" and "no split brain" used to pass.
func TestARunThatNeverStartedPassesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *record.Run)
		passes bool
	}{
		{"aborted before the baseline", func(r *record.Run) { r.Ops, r.Phases, r.AbortReason = nil, nil, "node east-1 did not start" }, false},
		{"aborted in the baseline, with nothing sent", func(r *record.Run) { r.Ops, r.AbortReason = nil, "interrupted" }, false},
		{"neither baseline nor operations", func(r *record.Run) { r.Ops, r.Phases = nil, nil }, false},
		{"aborted under load", func(r *record.Run) { r.AbortReason = "interrupted" }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := checktest.Lab{}.Run()
			c.change(r)
			j, passed := judge(t, r), false
			for _, f := range j.Findings {
				passed = passed || f.Verdict == record.Pass
				if f.Verdict == record.Pass && !c.passes {
					t.Errorf("%s passes: %s", f.Check, f.Description)
				}
				if f.Verdict == record.Vacuous && f.Cause == "" {
					t.Errorf("%s has no cause", f.Check)
				}
			}
			if passed != c.passes || j.Verdict == record.Pass {
				t.Errorf("some check passed: %v, want %v; verdict %s", passed, c.passes, j.Verdict)
			}
		})
	}
	r := checktest.Lab{}.Run()
	r.Ops, r.Phases, r.AbortReason = nil, nil, "node east-1 did not start"
	checktest.Want(t, judge(t, r), "stale reads", record.Vacuous, "node east-1 did not start")
}
