package gotest

import (
	"testing"

	"github.com/mcp-resilience/holdfast/record"
)

// Option changes how a session is judged or repeated.
type Option func(*options)

type options struct {
	ignored []string // checks
	retries int
}

// IgnoreChecks names checks that the test is not about, as record.Checks lists them: a finding of
// theirs that is not a pass does not fail the test. The findings on the run as such and on its faults
// cannot be ignored: without them no other finding means anything.
func IgnoreChecks(checks ...string) Option {
	return func(o *options) { o.ignored = append(o.ignored, checks...) }
}

// RetryEnvironment makes Run carry the test out again, at most n times, while the machine or the scenario
// leaves the verdict open: one that is unknown or vacuous with the cause environment or scenario. A fail is
// never repeated. The record of each further session names those before it.
func RetryEnvironment(n int) Option { return func(o *options) { o.retries = n } }

func newOptions(t testing.TB, opts []Option) options {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	ignored, err := record.ParseChecks(o.ignored)
	if err != nil {
		t.Fatalf("gotest.IgnoreChecks: %v", err)
	}
	o.ignored = ignored
	return o
}
