package harness

import (
	"slices"

	"github.com/mcp-resilience/holdfast/record"
)

// Retry carries a plan out with attempt, and again with the same plan, at most n times, while the
// environment or the scenario leaves the verdict open. The record of each further attempt names those
// before it: attempt is handed them, for Options.Earlier or Config.Earlier.
//
// A fail is never repeated, and neither is a run that somebody interrupted or that came out as its
// scenario expects: the last attempt is the outcome, and it hides nothing.
func Retry(n int, attempt func(earlier []record.Attempt) (*Result, error)) (*Result, error) {
	var earlier []record.Attempt
	for {
		r, err := attempt(slices.Clone(earlier))
		if err != nil || len(earlier) >= n || !worthRepeating(r) {
			return r, err
		}
		earlier = append(earlier, record.Attempt{Run: r.ID, Verdict: r.Result.Verdict, Cause: r.Result.Cause})
	}
}

// worthRepeating reports whether another run of the same plan may show what this one could not.
func worthRepeating(r *Result) bool {
	return r != nil && r.Run != nil && r.AbortReason == "" && r.Result != nil && !r.Result.AsExpected() && r.Result.Cause.Retriable()
}
