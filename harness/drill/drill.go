// Package drill is the Ginkgo face of holdfast: Run carries a scenario out in
// a spec, Start makes a session that the spec drives step by step, and matchers
// judge what came of either.
//
//	It("survives the loss of the main region", func(ctx SpecContext) {
//		run := drill.Run(ctx, "lose-main-region")
//		Expect(run).To(drill.RecoverWithin(30 * time.Second))
//		Expect(run).To(drill.LoseNothing())
//	}, SpecTimeout(3*time.Minute), GracePeriod(time.Minute))
//
// A promise that could not be judged satisfies no matcher, negated or not: the
// spec fails with the reason. A finding that is not a pass fails the spec as well
// when no matcher is about it, unless the spec names its check in IgnoreChecks.
// The run's record is attached to the spec's report.
// The package judges nothing itself; that is check.
package drill

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/onsi/ginkgo/v2"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// Option changes how a scenario is run.
type Option func(*options)

type options struct {
	runtime string
	seed    uint64
	root    string
	targets []targets.Target
	change  []func(*scenarios.Scenario)
	config  []func(*harness.Config)
	ignored []string        // checks
	retries int             // see RetryEnvironment
	driver  *cluster.Driver // in tests of this package, instead of runtime
}

func newOptions(opts []Option) options {
	ginkgo.GinkgoHelper()
	o := options{root: os.Getenv("HOLDFAST_RUNS")}
	for _, opt := range opts {
		opt(&o)
	}
	ignored, err := record.ParseChecks(o.ignored)
	if err != nil {
		ginkgo.Fail("drill.IgnoreChecks: " + err.Error())
	}
	o.ignored = ignored
	return o
}

// On names the runtime: docker, local or auto (the default). A spec whose
// runtime cannot be used here is skipped with the reason, except on CI, where
// it fails; see Required.
func On(runtime string) Option { return func(o *options) { o.runtime = runtime } }

// Seed fixes every random choice of the run; 0 means the scenario's own, or a drawn one.
func Seed(seed uint64) Option { return func(o *options) { o.seed = seed } }

// Runs is the folder for run directories; the default is $HOLDFAST_RUNS, else "runs".
func Runs(dir string) Option { return func(o *options) { o.root = dir } }

// Against adds a system of your own, which a scenario names as its `target`. One that the
// scenario does not name fails the spec.
func Against(t targets.Target) Option {
	return func(o *options) { o.targets = append(o.targets, t) }
}

// With changes the scenario before it is resolved, for what a file need not say.
func With(change func(*scenarios.Scenario)) Option {
	return func(o *options) { o.change = append(o.change, change) }
}

// Configure changes what a session of Start is: its topology, load, objectives.
func Configure(change func(*harness.Config)) Option {
	return func(o *options) { o.config = append(o.config, change) }
}

// IgnoreChecks names checks that the spec is not about, as record.Checks lists them: a finding of
// theirs that is not a pass does not fail the spec. The findings on the run as such and on its faults cannot
// be ignored: without them no other finding means anything.
func IgnoreChecks(checks ...string) Option {
	return func(o *options) { o.ignored = append(o.ignored, checks...) }
}

// RetryEnvironment carries the same plan out again, at most n times, while the machine or the scenario
// leaves the verdict open: one that is unknown or vacuous with the cause environment or scenario. A fail is never repeated.
// The record of each further run names those before it.
func RetryEnvironment(n int) Option { return func(o *options) { o.retries = n } }

// Required says that a runtime that cannot be used is a failure, not a reason
// to skip; see builtin.Required.
func Required() bool { return builtin.Required() }

// Run carries out a scenario, named from the library or by the path of a file,
// and returns it judged. It must be called in a spec. What keeps the run from
// taking place fails the spec; so does an interrupted run, after its faults are
// healed and everything is removed: give the spec a GracePeriod for that. When the
// spec ends, a finding that is not a pass fails it unless the spec has asserted on it;
// see IgnoreChecks.
func Run(ctx context.Context, scenario string, opts ...Option) *Result {
	ginkgo.GinkgoHelper()
	o := newOptions(opts)
	if len(o.config) > 0 {
		ginkgo.Fail("drill.Configure is for drill.Start: a scenario is changed by drill.With")
	}
	job, err := builtin.ReadFor(o.targets, scenario, o.seed, o.change...)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	if err := requireUsed(o.targets, job.Plan.Target, scenario); err != nil {
		ginkgo.Fail(err.Error())
	}
	kind, why := o.chooseRuntime(ctx)
	watch := newWatcher(job.Plan.Scenario, kind.Name)
	defer ginkgo.AttachProgressReporter(watch.state)()
	done, err := harness.Retry(o.retries, func(earlier []record.Attempt) (*harness.Result, error) {
		for i, a := range earlier {
			ginkgo.GinkgoWriter.Printf("attempt %d (%s) was %s, cause %s\n", i+1, a.Run, a.Verdict, a.Cause)
		}
		run, dir, err := harness.Run(ctx, job.Plan, harness.Options{
			Target: job.Target, Runtime: kind, RuntimeWhy: why,
			Source: job.Source, Root: o.root, Watch: watch.print,
			StepSummary: os.Getenv("GITHUB_STEP_SUMMARY"), Earlier: earlier,
		})
		return &harness.Result{Run: run, Dir: dir}, err
	})
	run, dir := done.Run, done.Dir
	if unsupported, ok := errors.AsType[cluster.Unsupported](err); ok { // nothing was measured, so no figures are attached
		ginkgo.Skip(fmt.Sprintf("%s on runtime %s: %s", scenario, kind.Name, unsupported.Reason))
	}
	if run == nil {
		ginkgo.Fail(fmt.Sprintf("run %s on runtime %s: %v", scenario, kind.Name, err))
	}
	r := &Result{Run: run, Dir: dir}
	attach(r)
	if err != nil {
		ginkgo.Fail(fmt.Sprintf("run %s on runtime %s: %v; what was recorded is in %s", scenario, kind.Name, err, dir))
	}
	if run.AbortReason != "" {
		ginkgo.Fail(fmt.Sprintf("run %s on runtime %s ended before its time (%s); what was recorded is in %s", scenario, kind.Name, run.AbortReason, dir))
	}
	ginkgo.DeferCleanup(func() { failOverlooked(o.ignored, r) })
	return r
}

// chooseRuntime is the runtime asked for; see On.
func (o *options) chooseRuntime(ctx context.Context) (driver cluster.Driver, why string) {
	ginkgo.GinkgoHelper()
	if o.driver != nil {
		return *o.driver, "a test chose it"
	}
	driver, why, err := builtin.Runtime(ctx, o.runtime)
	if unavailable, ok := errors.AsType[builtin.RuntimeUnavailable](err); ok && !Required() {
		ginkgo.Skip(unavailable.Error())
	} else if err != nil {
		ginkgo.Fail(err.Error())
	}
	return driver, why
}
