package mcp

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// profileTimings are the timings of a profile that a recovery follows from. A test compares them with those of the
// platform, which this package does not link.
type profileTimings struct {
	election, probeInterval, probeTimeout, arbiterStep time.Duration
	strikes                                            int
}

var timingsOf = map[string]profileTimings{
	nodespec.AdaptiveProfile: {time.Second, 500 * time.Millisecond, 400 * time.Millisecond, time.Second, 3},
	nodespec.SeedProfile:     {time.Second, 5 * time.Second, 3 * time.Second, 5 * time.Second, 3},
}

// ExpectedStages implements targets.StageEstimator. Consensus elects a leader by itself; the loss of a region is
// detected by probes, confirmed by the arbiter, and then traffic is moved.
func (Target) ExpectedStages(s topology.Spec) []targets.ExpectedStage {
	t, known := timingsOf[cmp.Or(s.Profile, nodespec.AdaptiveProfile)]
	if !known {
		return nil
	}
	return []targets.ExpectedStage{
		{Stage: "detect", Within: time.Duration(t.strikes)*t.probeInterval + t.probeTimeout, Why: fmt.Sprintf("%d failed probes, one every %v, of which the last takes up to %v", t.strikes, t.probeInterval, t.probeTimeout)},
		{Stage: "elect", Within: 2 * t.election, Why: fmt.Sprintf("twice the election timeout of %v; a split vote costs another", t.election)},
		{Stage: "arbitrate", Within: t.arbiterStep, Why: fmt.Sprintf("the arbiter decides every %v", t.arbiterStep)},
	}
}
