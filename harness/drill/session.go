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
	finished bool
}

// Start brings a system up under load and returns once every client is served:
// the system of Against, else the reference platform, on the runtime of On. It is
// called in a spec, or in BeforeAll for the specs of an Ordered container that
// share one system, each in a Window.
//
// The session lives until Finish, or until DeferCleanup closes it: then faults
// are healed, everything is removed, and the record is attached with the verdict
// unknown. Give the node a GracePeriod for that.
func Start(ctx context.Context, opts ...Option) *Session {
	ginkgo.GinkgoHelper()
	o := options{root: os.Getenv("HOLDFAST_RUNS")}
	for _, opt := range opts {
		opt(&o)
	}
	if len(o.change) > 0 {
		ginkgo.Fail("drill.With is for drill.Run: a session has no scenario, and is changed by drill.Configure")
	}
	name := "mcp"
	if len(o.targets) > 0 {
		name = o.targets[0].Name()
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
	s := &Session{Session: session}
	ginkgo.DeferCleanup(s.close)
	return s
}

// close removes what a spec has not finished.
func (s *Session) close() {
	if s.finished {
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
// the system. The verdict is for matchers: a broken promise does not fail the spec here.
func (s *Session) Finish(ctx context.Context) *Result {
	ginkgo.GinkgoHelper()
	s.finished = true
	run, err := s.Session.Finish(ctx)
	if run != nil {
		attach(run)
	}
	if err != nil {
		ginkgo.Fail(fmt.Sprintf("finish session %s: %v; what was recorded is in %s", s.ID(), err, s.Dir()))
	}
	return run
}

// Window begins the part of the session that belongs to the present spec and has
// a verdict of its own.
func (s *Session) Window(ctx context.Context) *Window {
	ginkgo.GinkgoHelper()
	w, err := s.Session.Window(ctx, ginkgo.CurrentSpecReport().LeafNodeText)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	return &Window{w}
}

// Window is a harness.Window whose errors fail the spec.
type Window struct{ *harness.Window }

// Judge ends the window: it reads back what the window wrote, judges the window's
// part of the record, and lets the load of the session go on.
func (w *Window) Judge(ctx context.Context) *Result {
	ginkgo.GinkgoHelper()
	run, err := w.Window.Judge(ctx)
	if run != nil {
		attach(run)
	}
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	return run
}
