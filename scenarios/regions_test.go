package scenarios_test

import (
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/scenarios"
)

func TestRegionProblems(t *testing.T) {
	for regions, want := range map[string]string{
		"[]":                                "topology.regions: is empty: name the regions",
		"[{weight: 10}]":                    "topology.regions[0].name: is missing",
		"[{name: Paris}]":                   `topology.regions[0].name: "Paris" is no name of a region: want at most 20 lower-case letters, digits and dashes`,
		"[{name: 'a/b'}]":                   `topology.regions[0].name: "a/b" is no name of a region`,
		"[{name: a}, {name: a}]":            "topology.regions[1].name: a is given twice",
		"[{name: a, nodes: 0}]":             "topology.regions[0].nodes: 0 is out of range: want 1 to 9",
		"[{name: a, weight: 101}]":          "topology.regions[0].weight: 101 is out of range: want 0 to 100",
		"[{name: a, weight: 1}, {name: b}]": "topology.regions[1].weight: is missing, and other regions have one",
		"[{name: a, wieght: 1}]":            `did you mean "weight"?`,
		"[" + strings.Repeat("{name: a},", 9) + "{name: b}]":                                                                             "topology.regions: has 10 entries, want at most 9",
		"[{name: a, nodes: 9}, {name: b, nodes: 9}, {name: c, nodes: 9}, {name: d, nodes: 9}, {name: e, nodes: 9}, {name: f, nodes: 9}]": "topology.regions: have 54 nodes, want at most 45",
	} {
		_, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps: []\ntopology: {regions: "+regions+"}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", regions, err, want)
		}
	}
}

// Steps of a drill with regions of its own name those, and no others.
func TestOwnRegions(t *testing.T) {
	s, err := scenarios.Load("five-regions")
	if err != nil {
		t.Fatal(err)
	}
	s.Steps[0].On.Region = "east"
	if _, err := s.Resolve(topologyFor(t, s, 1), 1); err == nil || !strings.Contains(err.Error(), `"east" is none of frankfurt, paris, london, milan, dublin`) {
		t.Errorf("error is %v", err)
	}
}
