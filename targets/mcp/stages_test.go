package mcp

import (
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/topology"
)

// What the adapter says of the platform's timings is what the platform has.
func TestExpectedStagesFollowFromTheProfiles(t *testing.T) {
	if len(timingsOf) != len(node.Profiles()) {
		t.Errorf("%d profiles are known, and the platform has %d", len(timingsOf), len(node.Profiles()))
	}
	for name, p := range node.Profiles() {
		want := profileTimings{p.Consensus.Election, p.Probes.Interval, p.Probes.Timeout, p.Arbiter.Step, p.Probes.Strikes}
		if got := timingsOf[name]; got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		if len(Target{}.ExpectedStages(topology.Spec{Profile: name})) == 0 {
			t.Errorf("%s: no stages are expected", name)
		}
	}
}
