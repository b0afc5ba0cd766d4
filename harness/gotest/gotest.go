// Package gotest is the face of holdfast for plain tests: it starts a session,
// and whatever fails fails the test. It links no test framework beyond testing.
//
//	func TestLeaderIsIsolated(t *testing.T) {
//		s := gotest.Start(t, harness.Config{})
//		cut := s.Inject(&faults.Isolate{}, topology.Selector{Role: topology.Leader})
//		s.Wait(10*time.Second, "another leader", func(ctx context.Context) error { … })
//		cut.Heal()
//		run := s.Finish() // waits until service is stable, reads back, judges; a failed check fails the test
//	}
//
// It is not for scenario files: harness.Run carries those out, and the package
// drill does so in Ginkgo.
package gotest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// teardownReserve is how long before the test's own deadline a session ends, so
	// that faults are healed and everything is removed before the test is killed.
	teardownReserve = 30 * time.Second
	pollInterval    = 50 * time.Millisecond
)

// Session is a harness.Session whose errors fail the test. The embedded session
// has everything that needs no test: Cluster, Dialer, Goodput, Acknowledged.
type Session struct {
	*harness.Session
	t        testing.TB
	ctx      context.Context
	ignored  []string // checks
	finished atomic.Bool
}

// Start brings a system up under load and returns once every client is served.
// Without a Target it is the reference platform, without a Runtime the first
// that works here; without a Name the session is called as the test.
//
// A runtime that cannot be used skips the test with the reason, and fails it on
// CI (CI=true) or when HOLDFAST_REQUIRE_DOCKER=1. When the test ends the session
// ends: one that the test has not finished is finished then, so that its verdict
// is never lost; after a failure it is closed at once.
func Start(t testing.TB, c harness.Config, opts ...Option) *Session {
	t.Helper()
	o := newOptions(t, opts)
	if o.retries > 0 {
		t.Fatal("gotest.RetryEnvironment is for gotest.Run: what drives a session of Start is the test's own code, which runs once")
	}
	return start(t, c, o)
}

func start(t testing.TB, c harness.Config, o options) *Session {
	t.Helper()
	ctx, cancel := untilDeadline(t)
	t.Cleanup(cancel)
	if c.Target == nil {
		target, err := builtin.Target("mcp")
		if err != nil {
			t.Fatal(err)
		}
		c.Target = target
	}
	if c.Runtime.Open == nil {
		c.Runtime, c.RuntimeWhy = chooseRuntime(ctx, t, c.Runtime.Name)
	}
	c.Name = cmp.Or(c.Name, t.Name())
	c.Root = cmp.Or(c.Root, os.Getenv("HOLDFAST_RUNS"))
	c.StepSummary = cmp.Or(c.StepSummary, os.Getenv("GITHUB_STEP_SUMMARY"))
	if c.Watch == nil {
		events := &eventLog{t: t}
		t.Cleanup(events.close)
		c.Watch = events.show
	}
	session, err := harness.Start(ctx, c)
	if unsupported, ok := errors.AsType[cluster.Unsupported](err); ok {
		t.Skipf("on runtime %s: %s", c.Runtime.Name, unsupported.Reason)
	} else if err != nil {
		t.Fatal(err)
	}
	s := &Session{Session: session, t: t, ctx: ctx, ignored: o.ignored}
	t.Cleanup(s.end)
	return s
}

// untilDeadline is the context of a session. It is not the test's own, which ends
// before the test's cleanup could read anything back.
func untilDeadline(t testing.TB) (context.Context, context.CancelFunc) {
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := limited.Deadline(); ok {
			return context.WithDeadline(context.Background(), deadline.Add(-teardownReserve))
		}
	}
	return context.WithCancel(context.Background())
}

// chooseRuntime is the named runtime, or the first that works here.
func chooseRuntime(ctx context.Context, t testing.TB, name string) (cluster.Driver, string) {
	t.Helper()
	driver, why, err := builtin.Runtime(ctx, name)
	if unavailable, ok := errors.AsType[builtin.RuntimeUnavailable](err); ok && !builtin.Required() {
		t.Skip(unavailable.Error())
	} else if err != nil {
		t.Fatal(err)
	}
	return driver, why
}

// Inject injects a fault into the nodes that match on, or into their links to
// those that match to, and returns once the fault is proved active; see harness.Session.Inject. A
// fault that the runtime cannot do skips the test, any other error fails it.
func (s *Session) Inject(f faults.Fault, on topology.Selector, to ...topology.Selector) *Injection {
	s.t.Helper()
	injection, err := s.Session.Inject(s.ctx, f, on, to...)
	if unsupported, ok := errors.AsType[cluster.Unsupported](err); ok {
		s.t.Skip(unsupported.Reason)
	} else if err != nil {
		s.t.Fatal(err)
	}
	return &Injection{injection, s}
}

// Injection is a harness.Injection whose errors fail the test.
type Injection struct {
	*harness.Injection
	session *Session
}

// Heal takes the fault away and returns once that is proved.
func (i *Injection) Heal() {
	i.session.t.Helper()
	if err := i.Injection.Heal(i.session.ctx); err != nil {
		i.session.t.Fatal(err)
	}
}

// Wait asks until the answer is nil, and fails the test with the last answer when
// that takes longer than the timeout. What names the thing that is waited for.
func (s *Session) Wait(timeout time.Duration, what string, ask func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			if s.ctx.Err() != nil {
				s.t.Fatalf("wait for %s: the session ended meanwhile (%v): %v", what, context.Cause(s.ctx), err)
			}
			s.t.Fatalf("wait for %s: not within %s: %v", what, duration.Exact(timeout), err)
		case <-tick.C:
		}
	}
}

// Leader is the node that leads now; the test fails when there is none within 10 s.
func (s *Session) Leader() topology.NodeID {
	s.t.Helper()
	var leader topology.NodeID
	s.Wait(10*time.Second, "a leader", func(ctx context.Context) (err error) {
		leader, err = s.Session.Leader(ctx)
		return err
	})
	return leader
}

// Finish heals what is still broken, reads everything back, judges and removes
// the system. A verdict other than the expected one fails the test with the
// findings and the path of the report, unless only checks of IgnoreChecks are to blame; the test goes on.
func (s *Session) Finish() *harness.Result {
	s.t.Helper()
	run, err := s.finish()
	s.require(run, err)
	return run
}

// finish is Finish without a failure of the test.
func (s *Session) finish() (*harness.Result, error) {
	s.finished.Store(true)
	return s.Session.Finish(s.ctx)
}

// require fails the test unless the session could be finished and came out as expected.
func (s *Session) require(run *harness.Result, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("finish session %s: %v; what was recorded is in %s", s.ID(), err, s.Dir())
	}
	s.report("session", run)
}

// report fails the test with the findings of a session or a window that did not come out as expected.
func (s *Session) report(what string, run *harness.Result) {
	s.t.Helper()
	if s.asExpected(run.Result) {
		return
	}
	var findings bytes.Buffer
	if err := reports.Terminal(&findings, run.Run, run.Dir, false); err != nil {
		fmt.Fprintf(&findings, "the findings cannot be printed: %v", err)
	}
	s.t.Errorf("the %s did not come out as expected:\n%s", what, strings.TrimSpace(findings.String()))
}

// asExpected reports whether a result is the expected one, or would be without the checks that the test ignores.
func (s *Session) asExpected(r *record.Result) bool {
	if r.AsExpected() {
		return true
	}
	open := func(f record.Finding) bool { return f.Verdict != record.Pass && !slices.Contains(s.ignored, f.Check) }
	return r.Expected != record.Fail && len(r.Findings) > 0 && !slices.ContainsFunc(r.Findings, open)
}

// end is the session's part of the test's cleanup.
func (s *Session) end() {
	switch {
	case s.finished.Load():
	case s.t.Failed() || s.t.Skipped():
		if err := s.Close(); err != nil {
			s.t.Logf("close session %s: %v", s.ID(), err)
		}
		s.t.Logf("what was recorded is in %s", s.Dir())
	default:
		s.Finish()
	}
}
