package scenarios

import (
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Plan is a scenario with every default and every random choice resolved. It
// is saved before the run, and a replay runs it again.
type Plan struct {
	Scenario     string            `json:"scenario"`
	Description  string            `json:"description"`
	Labels       []string          `json:"labels"`
	Target       string            `json:"target"`
	TopologySpec topology.Spec     `json:"topologySpec"`
	Topology     topology.Topology `json:"topology"`
	Load         workload.Load     `json:"load"`
	Seed         uint64            `json:"seed"`
	// Baseline is how long the load runs before the timeline starts.
	Baseline time.Duration `json:"baseline"`
	Steps    []Step        `json:"steps"` // in order of At, all episodes
	// Observe is the longest time to wait for stable recovery after the last heal;
	// never less than it takes to see the RTO objective missed.
	Observe          time.Duration     `json:"observe"`
	Objectives       record.Objectives `json:"objectives"`
	Expect           record.Verdict    `json:"expect"`
	ExpectedFailures []string          `json:"expectedFailures,omitempty"`
}

// Step is one fault of the timeline. At counts from the end of the baseline.
type Step struct {
	ID      string            `json:"id"` // "1-kill"; with episodes "2.1-kill"
	Episode int               `json:"episode"`
	At      time.Duration     `json:"at"`
	For     time.Duration     `json:"for"`
	Fault   string            `json:"fault"`
	On      topology.Selector `json:"on"`
	To      topology.Selector `json:"to"`
	With    faults.Fault      `json:"with"`
	Seed    uint64            `json:"seed"`
}
