package mcp_test

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/targets/targettest"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnTheLocalRuntime(t *testing.T) {
	for _, tc := range []struct {
		name    string
		shape   topology.Spec
		nightly bool // larger shapes mostly repeat what the smallest has shown
	}{
		{"one node a region", topology.Spec{}, false},
		{"three nodes a region", topology.Spec{Nodes: 3}, true},
		{"five nodes a region", topology.Spec{Nodes: 5}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.nightly && os.Getenv("HOLDFAST_NIGHTLY") != "1" {
				t.Skip("make nightly runs it")
			}
			targettest.Run(t, mcp.Target{}, local.Driver(), tc.shape)
		})
	}
}

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
