package mcp_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/topology"
)

// The weights in the topology are those that the nodes are started with.
func TestEntrance(t *testing.T) {
	for entrance, want := range map[topology.Region]struct {
		weights string
		regions []topology.RegionSpec
	}{
		"":      {"east=70,north=20,south=10", []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}}},
		"north": {"east=0,north=100,south=0", []topology.RegionSpec{{Region: "east"}, {Region: "north", Weight: 100}, {Region: "south"}}},
	} {
		got, err := mcp.Target{Entrance: entrance}.Topology(topology.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.regions, got.RegionSpecs); diff != "" {
			t.Errorf("entrance %q: regions (-want +got):\n%s", entrance, diff)
		}
		for _, n := range got.Nodes {
			if args := n.Program.Args; !slices.Contains(args, want.weights) {
				t.Errorf("entrance %q: %s is started with %q, want %s among them", entrance, n.ID, args, want.weights)
			}
		}
	}
	if _, err := (mcp.Target{Entrance: "west"}).Topology(topology.Spec{}); err == nil {
		t.Error("an entrance in an unknown region is accepted")
	}
}
