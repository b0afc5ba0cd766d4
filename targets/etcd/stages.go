package etcd

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// ExpectedStages implements targets.StageEstimator. A follower that has heard nothing for its election timeout, which it
// draws anew between once and twice the configured one, asks for votes.
func (Target) ExpectedStages(s topology.Spec) []targets.ExpectedStage {
	pace, known := profiles[cmp.Or(s.Profile, "default")]
	if !known {
		return nil
	}
	var roundTrip time.Duration
	for _, l := range s.ResolveLatency(s.ResolveRegions(regionSpecs), oneWayLatency) {
		roundTrip = max(roundTrip, 2*l.OneWay)
	}
	return []targets.ExpectedStage{
		{Stage: "detect", Within: 2 * pace.election, Why: fmt.Sprintf("twice the election timeout of %v", pace.election)},
		{Stage: "elect", Within: 2 * roundTrip, Why: fmt.Sprintf("pre-vote and vote, a round trip of %v each; a split vote costs another election timeout", roundTrip)},
	}
}
