package harness

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Options say where and how a plan is run.
type Options struct {
	Target  targets.Target
	Runtime cluster.Driver
	// RuntimeWhy is the reason for this runtime, for the record.
	RuntimeWhy string
	// Source is the scenario file as given, kept in the record; may be nil.
	Source []byte
	// Root is the folder of run directories; empty means "runs".
	Root string
	// Watch is handed the run's progress as it happens, from one goroutine; nil
	// means that nobody watches. One that blocks misses events and delays nothing.
	Watch func(Progress)
	// StepSummary names a file to which the summary is appended as well, as
	// $GITHUB_STEP_SUMMARY does; empty means none.
	StepSummary string
	// Earlier are the attempts that this run repeats, for the record.
	Earlier []record.Attempt
}

// Config says what a session starts and how it is judged. Only Target and
// Runtime must be given.
type Config struct {
	Target  targets.Target
	Runtime cluster.Driver
	// Topology is the shape of the system; zero means the target's default.
	Topology topology.Spec
	// Load is what the clients send; zero means 30 reads and 30 writes a second
	// from each region.
	Load workload.Load
	// Baseline is how long the load runs before the first fault, so that there is
	// something to compare with; 0 means 5 s.
	Baseline time.Duration
	// Observe is the longest wait for stable recovery after the last heal; 0 means
	// the objective for recovery and 10 s.
	Observe time.Duration
	// Objectives are what the run is judged by; zero means recovery within 30 s,
	// no acknowledged write lost, linearizable.
	Objectives record.Objectives
	// Expect is the verdict that the run must have; empty means pass. With
	// record.Fail, ExpectedFailures names the checks that must fail.
	Expect           record.Verdict
	ExpectedFailures []string
	// Seed is what every random choice comes from; 0 means that one is drawn.
	Seed uint64
	// Name and Description say what the session is about. The name becomes part of
	// its run's id; empty means "session".
	Name, Description string
	// RuntimeWhy, Root, Watch, StepSummary and Earlier are as in Options.
	RuntimeWhy  string
	Root        string
	Watch       func(Progress)
	StepSummary string
	Earlier     []record.Attempt
}

// resolve makes the plan of a session: a scenario without steps, which are
// added as they are carried out.
func (c Config) resolve() (scenarios.Plan, Options, error) {
	o := Options{
		Target: c.Target, Runtime: c.Runtime, RuntimeWhy: c.RuntimeWhy,
		Root: c.Root, Watch: c.Watch, StepSummary: c.StepSummary, Earlier: c.Earlier,
	}
	switch {
	case c.Target == nil:
		return scenarios.Plan{}, o, errors.New("no Target is given: say which system the session is about")
	case c.Runtime.Open == nil:
		return scenarios.Plan{}, o, errors.New("no Runtime is given: say where the nodes run")
	}
	shape, err := c.Target.Topology(c.Topology)
	if err != nil {
		return scenarios.Plan{}, o, fmt.Errorf("topology: %w", err)
	}
	scenario := scenarios.Scenario{
		Name: slug(cmp.Or(c.Name, "session")), Description: c.Description, Target: c.Target.Name(),
		Topology: c.Topology, Load: c.Load, Baseline: c.Baseline, Seed: c.Seed,
		Steps: []scenarios.StepSpec{}, Observe: c.Observe, Objectives: c.Objectives,
		Expect: c.Expect, ExpectedFailures: c.ExpectedFailures,
	}
	plan, err := scenario.Resolve(shape, c.Seed)
	return plan, o, err
}

// maxSlug bounds the part of a run's id that a name makes up.
const maxSlug = 60

// slug makes a name of lower-case letters, digits and dashes.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	return cmp.Or(strings.Trim(b.String(), "-"), "session")
}
