package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/onsi/ginkgo/v2"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/topology"
)

// Session is a harness.Session whose errors fail the spec. What the embedded
// session reports works with Eventually: Leader, Nodes, Goodput, Acknowledged.
type Session struct {
	*harness.Session
	ignored  []string // checks
	finished bool
	result   *Result // of Finish
}

// Start brings a system up under load and returns once every client is served:
// the system of Against, else the reference platform, on the runtime of On. It is
// called in a spec, or in BeforeAll for the specs of an Ordered container that
// share one system, each in a Window.
//
// The session lives until Finish, or until DeferCleanup closes it: then faults
// are healed and everything is removed; the record stays in the run directory with the verdict
// unknown. Give the node a GracePeriod for that. DeferCleanup also fails the spec for what it
// overlooks of the session's result; see IgnoreChecks.
func Start(ctx context.Context, opts ...Option) *Session {
	ginkgo.GinkgoHelper()
	o := newOptions(opts)
	if len(o.change) > 0 {
		ginkgo.Fail("drill.With is for drill.Run: a session has no scenario, and is changed by drill.Configure")
	}
	name := "mcp"
	if len(o.targets) > 0 {
		name = o.targets[0].Name()
	}
	if o.retries > 0 {
		ginkgo.Fail("drill.RetryEnvironment is for drill.Run: what drives a session is the spec's own code, which runs once")
	}
	if len(o.targets) > 1 {
		ginkgo.Fail(fmt.Sprintf("drill.Against gives targets %q and %q, but a session drives one system: pass one of them", name, o.targets[1].Name()))
	}
	target, err := builtin.Target(name, o.targets...)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	driver, why := o.chooseRuntime(ctx)
	c := harness.Config{
		Target: target, Runtime: driver, RuntimeWhy: why, Root: o.root, Seed: o.seed,
		Name: ginkgo.CurrentSpecReport().LeafNodeText, StepSummary: os.Getenv("GITHUB_STEP_SUMMARY"),
	}
	for _, change := range o.config {
		change(&c)
	}
	c.Name = cmp.Or(c.Name, "session")
	watch := newWatcher(c.Name, driver.Name)
	c.Watch = watch.print
	ginkgo.DeferCleanup(ginkgo.AttachProgressReporter(watch.state))

	// A node's context ends with the node, and that of BeforeAll before the specs begin.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ginkgo.DeferCleanup(cancel)
	interrupted := context.AfterFunc(ctx, cancel)
	session, err := harness.Start(life, c)
	interrupted()
	if unsupported, ok := errors.AsType[cluster.Unsupported](err); ok {
		ginkgo.Skip(fmt.Sprintf("on runtime %s: %s", driver.Name, unsupported.Reason))
	} else if err != nil {
		ginkgo.Fail(err.Error())
	}
	s := &Session{Session: session, ignored: o.ignored}
	ginkgo.DeferCleanup(s.close)
	return s
}

// close removes what a spec has not finished, and fails the spec for what it overlooks of what it has.
func (s *Session) close() {
	if s.finished {
		if s.result != nil {
			failOverlooked(s.ignored, s.result)
		}
		return
	}
	if err := s.Close(); err != nil {
		ginkgo.GinkgoWriter.Printf("close session %s: %v\n", s.ID(), err)
	}
	ginkgo.GinkgoWriter.Printf("the session was not finished; what was recorded is in %s\n", s.Dir())
}

// Inject injects a fault into the nodes that match on, or into their links to
// those that match to, and returns once the fault is proved active; see harness.Session.Inject. A
// fault that the runtime cannot do skips the spec, any other error fails it.
func (s *Session) Inject(ctx context.Context, f faults.Fault, on topology.Selector, to ...topology.Selector) *Injection {
	ginkgo.GinkgoHelper()
	return inject(s.Session.Inject(ctx, f, on, to...))
}

func inject(i *harness.Injection, err error) *Injection {
	ginkgo.GinkgoHelper()
	if unsupported, ok := errors.AsType[cluster.Unsupported](err); ok {
		ginkgo.Skip(unsupported.Reason)
	} else if err != nil {
		ginkgo.Fail(err.Error())
	}
	return &Injection{i}
}

// Injection is a harness.Injection whose errors fail the spec.
type Injection struct{ *harness.Injection }

// Heal takes the fault away and returns once that is proved.
func (i *Injection) Heal(ctx context.Context) {
	ginkgo.GinkgoHelper()
	if err := i.Injection.Heal(ctx); err != nil {
		ginkgo.Fail(err.Error())
	}
}

// Finish heals what is still broken, reads everything back, judges, and removes
// the system. The verdict is for matchers: a broken promise does not fail the spec here, but
// at its end when the spec does not assert on it.
func (s *Session) Finish(ctx context.Context) *Result {
	ginkgo.GinkgoHelper()
	s.finished = true
	run, err := s.Session.Finish(ctx)
	if run != nil {
		s.result = &Result{Run: run.Run, Dir: run.Dir}
		attach(s.result)
	}
	if err != nil {
		ginkgo.Fail(fmt.Sprintf("finish session %s: %v; what was recorded is in %s", s.ID(), err, s.Dir()))
	}
	return s.result
}

// Window begins the part of the session that belongs to the present spec and has
// a verdict of its own. When the spec ends, it fails for what it overlooks of that verdict; see IgnoreChecks.
func (s *Session) Window(ctx context.Context) *Window {
	ginkgo.GinkgoHelper()
	w, err := s.Session.Window(ctx, ginkgo.CurrentSpecReport().LeafNodeText)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	window := &Window{Window: w}
	ginkgo.DeferCleanup(func() {
		if window.result != nil {
			failOverlooked(s.ignored, window.result)
		}
	})
	return window
}

// Window is a harness.Window whose errors fail the spec.
type Window struct {
	*harness.Window
	result *Result // of Judge
}

// Judge ends the window: it reads back what the window wrote, judges the window's
// part of the record, and lets the load of the session go on.
func (w *Window) Judge(ctx context.Context) *Result {
	ginkgo.GinkgoHelper()
	run, err := w.Window.Judge(ctx)
	if run != nil {
		w.result = &Result{Run: run.Run, Dir: run.Dir}
		attach(w.result)
	}
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	return w.result
}
