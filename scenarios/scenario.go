// Package scenarios is the scenario language: it reads and validates scenario files, and resolves
// them into plans. A Scenario is a file as a user wrote it. In a Plan every default and every random
// choice has been made, so that a run of it can be repeated; Plan.Timeline previews what it will do. The
// scenario files of the library are in this folder. The package runs nothing and judges nothing.
package scenarios

import (
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Scenario is a scenario file. Its fields are the file's schema; durations
// are written with their unit. No field can name a command or a path of the host.
type Scenario struct {
	// Name is lower-case letters, digits and dashes. It is part of the run's id.
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	// Target is the system under test; empty means mcp.
	Target string `yaml:"target"`
	// Uses is the name of a file beside this one with a topology and a load, for a scenario that has none of its own.
	Uses string `yaml:"uses"`
	// Matrix is the values of parameters: the file is a scenario for each combination of them.
	Matrix Matrix `yaml:"matrix"`
	// Parameters are the values that this scenario has of them.
	Parameters []Parameter
	// Drill says who exercises the scenario, and how often; zero for one that is no regular drill.
	Drill Drill `yaml:"drill"`
	// Labels choose scenarios: smoke, full, negative, nightly.
	Labels   []string      `yaml:"labels"`
	Topology topology.Spec `yaml:"topology"`
	Load     workload.Load `yaml:"load"`
	// Baseline is how long the load runs before the first step; 0 means 5 s.
	Baseline time.Duration `yaml:"baseline"`
	// Seed is the seed of every random choice; 0 means a random one.
	Seed uint64 `yaml:"seed"`
	// Episodes is how often the steps are executed; 0 means once. With more than
	// one, each episode begins after a random delay.
	Episodes int `yaml:"episodes"`
	// StartJitter is the upper bound of that delay; 0 means 1 s.
	StartJitter time.Duration `yaml:"startJitter"`
	// EpisodeGap is the time from an episode's last heal to the next episode. 0 means
	// the objective for recovery plus a stability window.
	EpisodeGap time.Duration `yaml:"episodeGap"`
	// Steps are the faults. The list must be given; an empty one makes a control
	// run without faults.
	Steps []StepSpec `yaml:"steps"`
	// Guards stop the faults before their time, and BlastRadius bounds what they may do together.
	Guards      Guards      `yaml:"guards"`
	BlastRadius BlastRadius `yaml:"blastRadius"`
	// LoadPhases change the rate of the load for a time.
	LoadPhases []LoadPhase `yaml:"loadPhases"`
	// Observe is the longest wait for stable recovery after the last heal; 0
	// means the objective for recovery plus 10 s.
	Observe    time.Duration     `yaml:"observe"`
	Objectives record.Objectives `yaml:"objectives"`
	// Expect is the verdict the run must have; empty means pass.
	Expect record.Verdict `yaml:"expect"`
	// ExpectedFailures are the ids of the checks that must fail when Expect is fail.
	// With another expectation there must be none.
	ExpectedFailures []string `yaml:"expectedFailures"`

	source *yamlfile.Source // nil for a scenario that was not read from a file
}

// StepSpec is one step as the file has it.
type StepSpec struct {
	// At counts from the end of the baseline, or of the episode's random delay.
	At time.Duration `yaml:"at"`
	// When is what the step waits for once At has come, and Within how long at most; 0 means 30 s.
	When   Trigger       `yaml:"when"`
	Within time.Duration `yaml:"within"`
	// Every and Repeat carry the step out several times: Repeat times, each Every after the one before.
	Every  time.Duration `yaml:"every"`
	Repeat int           `yaml:"repeat"`
	// Serial and Parallel make the step a group of others, which has no fault of its own. At of a
	// member counts from the beginning of the group, and in a serial one from the end of the member before.
	Serial   []StepSpec `yaml:"serial"`
	Parallel []StepSpec `yaml:"parallel"`
	// For is how long the fault lasts; only restart has a default.
	For   time.Duration `yaml:"for"`
	Fault string        `yaml:"fault"`
	// Ramp is how long the fault takes to grow to the strength of With; 0 means that it has it at once.
	Ramp time.Duration `yaml:"ramp"`
	// On selects the victims, To the other end of a fault on links. An empty To
	// means all other nodes.
	On topology.Selector `yaml:"on"`
	To topology.Selector `yaml:"to"`
	// With is the settings of the fault. Its type depends on Fault.
	With faults.Fault `yaml:"with"`
}

// Labels lists the labels that a scenario can have: smoke is run for each change, full
// for each merge, and nightly is too long or too heavy for that. The verdict of a
// scenario with the label negative must be fail.
func Labels() []string { return []string{"smoke", "full", "negative", "nightly"} }
