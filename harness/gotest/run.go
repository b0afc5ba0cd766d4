package gotest

import (
	"testing"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

// Run starts a session as Start does, drives it with the test's own code, finishes it as Finish does, and
// returns its result. With RetryEnvironment it does all of that again, with the same seed, while the
// environment leaves the verdict open. Drive must not finish the session itself.
func Run(t testing.TB, c harness.Config, drive func(s *Session), opts ...Option) *harness.Result {
	t.Helper()
	o := newOptions(t, opts)
	var last *Session
	run, err := harness.Retry(o.retries, func(earlier []record.Attempt) (*harness.Result, error) {
		for i, a := range earlier {
			t.Logf("attempt %d (%s) was %s, cause %s", i+1, a.Run, a.Verdict, a.Cause)
		}
		c.Earlier = earlier
		last = start(t, c, o)
		drive(last)
		result, err := last.finish()
		if result != nil {
			c.Seed = result.Seed
		}
		return result, err
	})
	last.require(run, err)
	return run
}
