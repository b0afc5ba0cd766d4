package scenarios

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Plan is a scenario with every default and every random choice resolved. It
// is saved before the run, and a replay runs it again.
type Plan struct {
	Scenario    string   `json:"scenario"`
	Description string   `json:"description"`
	Labels      []string `json:"labels"`
	Drill       Drill    `json:"drill,omitzero"`
	// Parameters are those of the file's matrix, with the values of this plan.
	Parameters   []Parameter       `json:"parameters,omitempty"`
	Target       string            `json:"target"`
	TopologySpec topology.Spec     `json:"topologySpec"`
	Topology     topology.Topology `json:"topology"`
	Load         workload.Load     `json:"load"`
	Seed         uint64            `json:"seed"`
	// Baseline is how long the load runs before the timeline starts.
	Baseline    time.Duration `json:"baseline"`
	Steps       []Step        `json:"steps"` // in order of At, all episodes
	Guards      Guards        `json:"guards,omitzero"`
	LoadPhases  []LoadPhase   `json:"loadPhases,omitempty"`
	BlastRadius BlastRadius   `json:"blastRadius,omitzero"`
	// Observe is the longest time to wait for stable recovery after the last heal. It
	// is always long enough to find that the RTO objective was missed.
	Observe          time.Duration     `json:"observe"`
	Objectives       record.Objectives `json:"objectives"`
	Expect           record.Verdict    `json:"expect"`
	ExpectedFailures []string          `json:"expectedFailures,omitempty"`
}

// Step is one fault of the timeline. At counts from the end of the baseline.
type Step struct {
	ID      string        `json:"id"` // "1-kill"; with episodes "2.1-kill"
	Episode int           `json:"episode"`
	At      time.Duration `json:"at"`
	// When is what the step waits for once At has come; it begins when that happens. Within is the
	// longest wait: a step whose trigger does not fire is never injected, and its run is unknown.
	When   Trigger       `json:"when,omitzero"`
	Within time.Duration `json:"within,omitempty"`
	// Delay is the time from what the step waited for to its injection.
	Delay time.Duration `json:"delay,omitempty"`
	For   time.Duration `json:"for"`
	// Ramp is the first part of For, in which the fault grows to its whole strength.
	Ramp  time.Duration     `json:"ramp,omitempty"`
	Fault string            `json:"fault"`
	On    topology.Selector `json:"on"`
	To    topology.Selector `json:"to"`
	With  faults.Fault      `json:"with"`
	Seed  uint64            `json:"seed"`
}

// Length is the time from the end of the baseline to the last heal, or the end of the last phase of the load.
func (p Plan) Length() time.Duration {
	var end time.Duration
	for _, s := range p.Steps {
		end = max(end, s.End())
	}
	for _, l := range p.LoadPhases {
		end = max(end, l.End())
	}
	return end
}

// Injected is the fault that the step injects.
func (s Step) Injected() faults.Fault {
	if growing, ok := s.With.(faults.Growing); ok && s.Ramp > 0 {
		return faults.Ramp{Fault: growing, Over: s.Ramp}
	}
	return s.With
}

// End is when the step is healed at the latest, from the end of the baseline.
func (s Step) End() time.Duration { return s.At + s.Within + s.Delay + s.For }

// UnmarshalJSON reads a step. The type of With depends on Fault.
func (s *Step) UnmarshalJSON(b []byte) error {
	type plain Step // without this method
	read := struct {
		*plain
		With json.RawMessage `json:"with"`
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(b, &read); err != nil {
		return fmt.Errorf("step: %w", err)
	}
	f, err := faults.New(s.Fault)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.ID, err)
	}
	if len(read.With) > 0 {
		if err := json.Unmarshal(read.With, f); err != nil {
			return fmt.Errorf("step %s: with: %w", s.ID, err)
		}
	}
	s.With = f
	return nil
}

// DeriveSeed derives a seed for one use from the plan's seed and the name of the use,
// such as a step's ID, "load" or "phase 2". The name keeps the seed the same when
// other uses are added or removed. Seeds have 53 bits, because many JSON readers
// hold numbers as float64.
func (p Plan) DeriveSeed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.NewPCG(p.Seed, h.Sum64()).Uint64() >> 11
}
