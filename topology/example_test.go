package topology_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/topology"
)

// threeRegions is one voter in each of three regions.
func threeRegions() topology.Topology {
	var t topology.Topology
	for _, r := range []topology.Region{"east", "north", "south"} {
		t.RegionSpecs = append(t.RegionSpecs, topology.RegionSpec{Region: r})
		t.Nodes = append(t.Nodes, topology.Node{ID: topology.NodeID(r + "-1"), Region: r, Voter: true})
	}
	return t
}

func ExampleTopology_Select() {
	for _, n := range threeRegions().Select(topology.Selector{Region: "north"}) {
		fmt.Println(n.ID)
	}
	// Output: north-1
}

// Clients of a region have a quorum when a node that they reach can lead, or is
// connected to one that can.
func ExampleTopology_HasQuorum() {
	t := threeRegions()
	eastIsCutOff := topology.FaultImpact{CutFlows: []topology.Flow{
		{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}, Direction: topology.BothWays},
		{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "south-1"}, Direction: topology.BothWays},
		{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "north-1"}, Direction: topology.BothWays},
		{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "south-1"}, Direction: topology.BothWays},
	}}
	for _, r := range t.Regions() {
		fmt.Println(r, t.HasQuorum(r, eastIsCutOff))
	}
	// Output:
	// east false
	// north true
	// south true
}

func ExampleProgram_Render() {
	p := topology.Program{
		Args: []string{"--name={{.Name}}", "--listen={{.Host}}:7400"},
		Env:  map[string]string{"DATA": "{{.Data}}"},
	}
	args, env, err := p.Render(topology.TemplateVars{Name: "east-1", Host: "10.0.0.2", Data: "/data"})
	fmt.Println(args, env, err)
	// Output: [--name=east-1 --listen=10.0.0.2:7400] [DATA=/data] <nil>
}

func ExampleParseEndpoint() {
	e, err := topology.ParseEndpoint("clients.east")
	fmt.Println(e.Clients, err)
	// Output: east <nil>
}
