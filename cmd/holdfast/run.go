package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/turns"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/file"
)

// runFlags are the flags of the verbs that execute runs.
type runFlags struct {
	runtime          string
	seed             uint64
	target           string
	debug            bool
	retryEnvironment uint
	waitForMachine   time.Duration
}

// waitEnv is the environment variable with the default of --wait-for-machine.
const waitEnv = "HOLDFAST_WAIT_FOR_MACHINE"

// defaultWait is how long a run waits for its turn if nobody says.
func defaultWait() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(waitEnv)); err == nil && d >= 0 {
		return d
	}
	return 10 * time.Minute
}

func (f *runFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.runtime, "runtime", "auto", "docker, local, or auto, which is docker where an engine answers and local elsewhere")
	c.Flags().DurationVar(&f.waitForMachine, "wait-for-machine", defaultWait(), "how long to wait while other runs keep this machine busy; 0 does not wait; $"+waitEnv+" changes the default")
	c.Flags().BoolVar(&f.debug, "debug", false, "log every event with all its fields on standard error")
}

// addRetry is for the verbs whose outcome is that of each run by itself.
func (f *runFlags) addRetry(c *cobra.Command) {
	c.Flags().UintVar(&f.retryEnvironment, "retry-environment", 0, "run the same plan again, at most this often, while the machine or the scenario leaves the verdict open")
}

// retryHelp documents --retry-environment.
const retryHelp = `With --retry-environment N the same plan is run again, at most N times, while its
verdict is unknown or vacuous with the cause "environment" or "scenario": a machine
may be free by then, and a fault may strike another node. A fail is never repeated, and
neither is an interrupted run. Each further run says in its record and its reports
which attempt it is, and what came of the earlier ones.`

func (a *app) runVerb() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run FILE|NAME…",
		Short: "Run scenarios and judge them",
		Long: `Run starts the scenario's system, puts load on it, injects the faults, reads all
data back and judges what the clients saw. A scenario is a file of yours or a name
from the library ("holdfast list"). Several scenarios run one after the other, and
the worst outcome is the exit status. A file with a matrix is a scenario for each
combination of its parameters, and one table shows what came of them. A scenario with "expect: fail" exits 0 only
when its verdict is fail and every check under "expectedFailures" has failed.

Progress goes to standard error: a live view in a terminal, timestamped lines
elsewhere. The verdict goes to standard output. With --json standard output is
one JSON object for each scenario, with the fields run, dir, report, asExpected,
exitCode and result (the content of verdict.json), and earlier, the attempts before
it, where --retry-environment made any.

Where other runs of yours are under way and the machine has not two processors for
each, nor 1.5 idle ones, a run waits for its turn, and says so: runs that share a
machine which is too small prove nothing. See --wait-for-machine.

The first Ctrl-C heals the faults, removes the system and keeps the partial
record. The second ends the command at once.

` + retryHelp + "\n\n" + exitHelp,
		Example: `  holdfast run lose-main-region
  holdfast run ./my-drill.yaml --runtime local --seed 7
  holdfast run kill-leader pause-leader --json
  holdfast run kill-leader --target ./shop.target.yaml`,
		Args: wantArgs(1, -1, "a scenario file or name"),
		RunE: func(c *cobra.Command, args []string) error {
			var jobs []builtin.Job
			for _, arg := range args { // every file is read before anything starts
				all, err := readJobs(arg, f.seed, f.target)
				if err != nil {
					return err
				}
				jobs = append(jobs, all...)
			}
			return a.runAll(c.Context(), jobs, f)
		},
	}
	f.add(c)
	f.addRetry(c)
	addTarget(c, &f.target)
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of every random choice; 0 takes the scenario's seed, or draws one and records it")
	return c
}

// runAll runs the jobs one after the other. Its error carries the worst exit status.
func (a *app) runAll(ctx context.Context, jobs []builtin.Job, f runFlags) error {
	worst := 0
	var matrix matrixResults
	for _, j := range jobs {
		r, dir, err := a.runOne(ctx, j, f)
		if err := a.printOutcome(r, dir, executedExit(r), err); err != nil {
			return err
		}
		worst = worstExit(worst, executedExit(r))
		matrix.add(j.Plan, r)
		if r.AbortReason != "" {
			break
		}
	}
	if !a.json {
		if err := matrix.print(a.out); err != nil {
			return err
		}
	}
	return exitWith(worst)
}

// runOne runs a plan, again where it is asked to, and returns the record and the directory of the last run.
func (a *app) runOne(ctx context.Context, j builtin.Job, f runFlags) (*record.Run, string, error) {
	r, err := harness.Retry(int(f.retryEnvironment), func(earlier []record.Attempt) (*harness.Result, error) {
		run, dir, err := a.attempt(ctx, j, f, earlier)
		return &harness.Result{Run: run, Dir: dir}, err
	})
	return r.Run, r.Dir, err
}

// attempt runs a plan once, shows its progress, and returns its record and its directory.
func (a *app) attempt(ctx context.Context, j builtin.Job, f runFlags, earlier []record.Attempt) (*record.Run, string, error) {
	view := a.newProgressView(j.Plan.Scenario)
	defer view.Close()
	kind, why, err := selectRuntime(ctx, f.runtime)
	if err != nil {
		return nil, "", err
	}
	view.Note(fmt.Sprintf("runtime %s: %s", kind.Name, why))
	if n := len(earlier); n > 0 {
		last := earlier[n-1]
		view.Note(fmt.Sprintf("attempt %d of at most %d: attempt %d (%s) was %s, cause %s", n+1, f.retryEnvironment+1, n, last.Run, last.Verdict, last.Cause))
	}
	view.Note(fmt.Sprintf("scenario %s on %s, seed %d", j.Plan.Scenario, j.Plan.Target, j.Plan.Seed))
	for _, p := range j.Plan.Parameters {
		view.Note("parameter " + p.String())
	}
	for _, warning := range j.Plan.Warnings() {
		view.Note("warning: " + warning)
	}
	ctx, stop := interruptible(ctx, view.Note)
	defer stop()
	release, err := turns.This().Await(ctx, f.waitForMachine, view.Note)
	if err != nil {
		return nil, "", &exitError{exitInterrupted, errors.New("interrupted while waiting for its turn; nothing was started")}
	}
	defer release()
	o := harness.Options{
		Target: j.Target, Runtime: kind, RuntimeWhy: why,
		Source: j.Source, Root: a.runs,
		StepSummary: os.Getenv("GITHUB_STEP_SUMMARY"), Earlier: earlier,
	}
	started := sync.OnceFunc(release)
	o.Watch = func(p harness.Progress) {
		started() // the run is owned by now, and the next one counts it
		view.Update(p)
	}
	if f.debug {
		debug, watch := debugLog(view.Note), o.Watch
		o.Watch = func(p harness.Progress) {
			watch(p)
			debug(p)
		}
	}
	r, dir, err := harness.Run(ctx, j.Plan, o)
	return r, dir, environmentErr(err)
}

// executedExit is the exit status of a run that the command has just executed. An
// interrupted one is never as its scenario expects, even if that expects unknown.
func executedExit(r *record.Run) int {
	if r != nil && r.AbortReason == record.Interrupted {
		return exitInterrupted
	}
	return runExit(r)
}

// runExit is the exit status of a run; a run that was not judged is unknown.
func runExit(r *record.Run) int {
	if r == nil || r.Result == nil {
		return record.Unknown.ExitCode()
	}
	return resultExit(r.Result)
}

// outcome is what --json prints for a run.
type outcome struct {
	Run           string                `json:"run"`
	Scenario      string                `json:"scenario"`
	Target        string                `json:"target"`
	Runtime       string                `json:"runtime"`
	RuntimeReason string                `json:"runtimeReason,omitempty"`
	Seed          uint64                `json:"seed"`
	Dir           string                `json:"dir"`
	Report        string                `json:"report"`
	AbortReason   string                `json:"abortReason,omitempty"`
	Earlier       []record.Attempt      `json:"earlier,omitempty"`
	Parameters    []scenarios.Parameter `json:"parameters,omitempty"`
	AsExpected    bool                  `json:"asExpected"`
	ExitCode      int                   `json:"exitCode"`
	Result        *record.Result        `json:"result"`
}

// printOutcome prints the outcome of a run, as text or as one JSON object, and
// returns the error with which the run ended. A run can have both.
func (a *app) printOutcome(r *record.Run, dir string, exit int, ended error) error {
	if r == nil {
		return ended
	}
	if _, ok := errors.AsType[cluster.Unsupported](ended); ok {
		ended = fmt.Errorf("%w\nthis scenario needs another runtime: %q shows which work here", ended, "holdfast doctor")
	}
	if ended != nil && len(r.Ops) == 0 && !a.json { // the load never started: there is nothing to judge
		return fmt.Errorf("%w\nwhat was recorded is in %s", ended, dir)
	}
	return errors.Join(ended, a.printRun(r, dir, exit))
}

func (a *app) printRun(r *record.Run, dir string, exit int) error {
	report := filepath.Join(dir, reports.HTMLFile)
	if a.json {
		return printJSON(a.out, outcome{
			Run: r.ID, Scenario: r.Scenario, Target: r.Target, Runtime: r.Runtime, RuntimeReason: r.RuntimeReason,
			Seed: r.Seed, Dir: dir, Report: report, AbortReason: r.AbortReason, Earlier: r.Earlier, Parameters: parametersOf(r),
			AsExpected: exit == 0, ExitCode: exit, Result: r.Result,
		})
	}
	return reports.Terminal(unfiltered(a.out), r, dir, a.colour())
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(unfiltered(w))
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// colour is true where standard output is a terminal and the user has not turned colour off.
func (a *app) colour() bool {
	f, ok := fileOf(a.out)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// addTarget is for the verbs that read a scenario or a plan.
func addTarget(c *cobra.Command, target *string) {
	c.Flags().StringVar(target, "target", "", "the system under test instead of the scenario's own: a target file, or the name of a target in the box")
}

// isTargetFile says whether what names a target is the path of a file.
func isTargetFile(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || filepath.Ext(name) != ""
}

// loadTarget reads the target file that --target names; nothing where it is a name.
func loadTarget(name string) ([]targets.Target, error) {
	if !isTargetFile(name) {
		return nil, nil
	}
	t, err := file.Load(name)
	if err != nil {
		return nil, usageErr("--target: %w", err)
	}
	return []targets.Target{t}, nil
}

// readJobs reads a scenario that the user named, for its own target or for another one; a file with a matrix is
// several.
func readJobs(name string, seed uint64, target string) ([]builtin.Job, error) {
	own, err := loadTarget(target)
	if err != nil {
		return nil, err
	}
	var changes []func(*scenarios.Scenario)
	if target != "" {
		changes = append(changes, func(s *scenarios.Scenario) {
			s.Target = target
			if len(own) > 0 {
				s.Target = own[0].Name()
			}
		})
	}
	jobs, err := builtin.ReadAll(own, name, seed, changes...)
	if err != nil {
		return nil, usageErr("%w\n%q lists the scenarios of the library, %q the faults that a file can use", err, "holdfast list", "holdfast list faults")
	}
	return jobs, nil
}

// selectRuntime chooses the runtime that the user named.
func selectRuntime(ctx context.Context, name string) (cluster.Driver, string, error) {
	kind, why, err := builtin.Runtime(ctx, name)
	if _, ok := errors.AsType[builtin.NotFound](err); ok {
		return kind, "", usageErr("--runtime: %w", err)
	}
	if err != nil {
		return kind, "", environmentErr(fmt.Errorf("%w; %q shows why, --runtime auto takes what works", err, "holdfast doctor"))
	}
	return kind, why, nil
}
