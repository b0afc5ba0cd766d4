package harness_test

import (
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/topology"
)

// One of the followers is drawn when the fault begins, and is on record; "not the leader"
// is everybody else.
func TestVictimsAreDrawnAtInjection(t *testing.T) {
	t.Parallel()
	s := startSession(t, t.Context(), config(t, harnesstest.NewStore()))
	follower := inject(t, s, &faults.Pause{}, topology.Selector{Role: topology.Follower, Count: 1})
	if drawn := follower.Record().Nodes; len(drawn) != 1 || drawn[0] == "east-1" {
		t.Errorf("a follower of east-1 is on record as %v", drawn)
	}
	heal(t, follower)
	others := inject(t, s, &faults.Pause{}, topology.Selector{Not: topology.Exclusion{Role: topology.Leader}})
	if got := others.Record().Nodes; !slices.Equal(got, []topology.NodeID{"north-1", "south-1"}) {
		t.Errorf("not the leader is on record as %v", got)
	}
	heal(t, others)
}
