package mcp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/topology"
)

// A system in regions of the user's own has their nodes, and starts them with their names and weights.
func TestTopologyOfOwnRegions(t *testing.T) {
	spec := topology.Spec{Regions: []topology.SpecRegion{{Name: "oslo", Weight: 50, Nodes: 2}, {Name: "rome", Weight: 30}, {Name: "bonn", Weight: 20}}}
	top, err := mcp.Target{}.Topology(spec)
	if err != nil {
		t.Fatal(err)
	}
	var ids []topology.NodeID
	for _, n := range top.Nodes {
		ids = append(ids, n.ID)
	}
	if want := []topology.NodeID{"oslo-1", "oslo-2", "rome-1", "bonn-1"}; !slices.Equal(ids, want) {
		t.Errorf("nodes %v, want %v", ids, want)
	}
	args := strings.Join(top.Nodes[0].Program.Args, " ")
	for _, want := range []string{"--weights oslo=50,rome=30,bonn=20", "rome-1/rome/"} {
		if !strings.Contains(args, want) {
			t.Errorf("a node is started with %q, want %q in it", args, want)
		}
	}
	if got := top.OneWay("bonn", "oslo"); got == 0 {
		t.Error("there is no latency between bonn and oslo")
	}
}

func TestStandbyLayoutsOfOwnRegions(t *testing.T) {
	for want, regions := range map[string][]topology.SpecRegion{
		"standby-cold is for three regions, and there are 2: a, b": {{Name: "a"}, {Name: "b"}},
		"in standby-cold the first region is the main one":         {{Name: "a", Weight: 1}, {Name: "b", Weight: 5}, {Name: "c", Weight: 1}},
		"": {{Name: "a"}, {Name: "b"}, {Name: "c"}},
	} {
		_, err := mcp.Target{}.Topology(topology.Spec{Layout: "standby-cold", Regions: regions})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error is %v, want %s", regions, err, want)
		}
	}
}
