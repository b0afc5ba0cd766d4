package scenarios_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// A mistake in a scenario file is reported with its position and its field.
func ExampleParse() {
	_, err := scenarios.Parse("drill.yaml", []byte(`name: drill
steps:
  - {at: 0s, fault: kill, on: {node: east-1}}
`))
	fmt.Println(err)
	// Output: drill.yaml:3:5: steps[0].for: is missing: how long does kill last?
}

// A plan has every default and every random choice, and previews its timeline.
func ExampleScenario_Resolve() {
	s, err := scenarios.Parse("drill.yaml", []byte(`name: drill
steps:
  - {at: 1s, for: 5s, fault: kill, on: {region: east}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := s.Resolve(topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east"}, {Region: "north"}, {Region: "south"}},
		Nodes: []topology.Node{
			{ID: "east-1", Region: "east", Voter: true},
			{ID: "north-1", Region: "north", Voter: true},
			{ID: "south-1", Region: "south", Voter: true},
		},
	}, 7)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range plan.Timeline() {
		fmt.Println(row.At, "heal:", row.Heal, row.Targets(), "quorum:", row.Majority)
	}
	// Output:
	// 1s heal: false [east-1] quorum: true
	// 6s heal: true [east-1] quorum: true
}
