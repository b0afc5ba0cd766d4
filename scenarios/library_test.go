package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/topology"
)

// three is three regions of n nodes each.
func three(n int) topology.Topology {
	var t topology.Topology
	for i, r := range []topology.Region{"east", "north", "south"} {
		t.RegionSpecs = append(t.RegionSpecs, topology.RegionSpec{Region: r, Weight: []int{70, 20, 10}[i]})
		for k := 1; k <= n; k++ {
			t.Nodes = append(t.Nodes, topology.Node{
				ID: topology.NodeID(fmt.Sprintf("%s-%d", r, k)), Region: r, Service: "mcp", Voter: true,
				Ports: []topology.Port{{Name: "api", Number: 7400}},
			})
		}
	}
	return t
}

func TestEveryLibraryFileCanBeRead(t *testing.T) {
	if got, want := len(scenarios.Library()), len(scenarios.Names()); got != want || want < 15 {
		t.Errorf("%d of %d files can be read", got, want)
	}
}

// topologyFor is what the scenario's target makes of its topology spec.
func topologyFor(t *testing.T, s scenarios.Scenario, nodes int) topology.Topology {
	t.Helper()
	if s.Target != "" && s.Target != mcp.Name {
		return three(nodes)
	}
	spec := s.Topology
	spec.Nodes = nodes
	out, err := mcp.Target{}.Topology(spec)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return out
}

func TestLibraryFilesResolveOnEveryTopology(t *testing.T) {
	for _, name := range scenarios.Names() {
		s, err := scenarios.Load(name)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if s.Name != name {
			t.Errorf("file %s.yaml calls itself %s", name, s.Name)
		}
		if lines := strings.Count(strings.TrimSpace(s.Description), "\n") + 1; lines != 2 {
			t.Errorf("%s: the description has %d lines, want 2", name, lines)
		}
		text, _ := scenarios.Source(name)
		if _, rest, _ := strings.Cut(string(text), "\n"); !strings.HasPrefix(rest, "#") { // the first line names the schema
			t.Errorf("%s: no drawing above the scenario", name)
		}
		if negative := slices.Contains(s.Labels, "negative"); negative != (s.Expect == record.Fail) {
			t.Errorf("%s: label negative is %v, but the expected verdict is %q", name, negative, s.Expect)
		}
		for _, nodes := range []int{1, 3, 5} {
			if _, err := s.Resolve(topologyFor(t, s, nodes), 1); err != nil {
				t.Errorf("%s on %d nodes a region: %v", name, nodes, err)
			}
		}
	}
}

// The timeline of every file, so that a change of what a fault means is seen.
func TestLibraryLeavesWhatItSays(t *testing.T) {
	type left struct {
		Majority bool
		Eligible []topology.Region
	}
	all := []topology.Region{"east", "north", "south"}
	want := map[string]left{} // while the first fault is on, one node a region
	for _, s := range scenarios.Library() {
		want[s.Name] = left{true, topologyFor(t, s, 1).Regions()}
	}
	for name, l := range map[string]left{ // those that leave less
		"bus-pause-consumer":        {true, all[:2]},
		"crash-everywhere-semisync": {false, []topology.Region{}},
		"lose-journal-tail":         {false, []topology.Region{}},
		"isolate-with-clients":      {true, all[1:]},
		"skip-arbitration":          {true, all[1:]},
		"split-three-ways":          {false, []topology.Region{}},
		"pause-the-new-leader":      {false, []topology.Region{}}, // as soon as it is elected
		"power-loss":                {false, []topology.Region{}},
		"power-cut":                  {false, []topology.Region{}},
		"power-cut-sync-later":       {false, []topology.Region{}},
		"kill-everywhere-sync-later": {false, []topology.Region{}},
		"restore-platform":          {false, []topology.Region{}},
		"bus-ack-early":             {false, []topology.Region{}},

		"restore-platform-no-snapshots": {false, []topology.Region{}},

		"power-loss-ack-before-sync": {false, []topology.Region{}},
		"edge-autonomy":              {true, all[1:]},
		"last-mile":                  {true, all[:2]},
		"thundering-herd":            {true, []topology.Region{}},
		"standby-warm-isolated":      {true, all[1:]},
		"edge-blind":                 {true, all[1:]},
	} {
		want[name] = l
	}
	got := map[string]left{}
	for _, s := range scenarios.Library() {
		p, err := s.Resolve(topologyFor(t, s, 1), 1)
		if err != nil {
			t.Fatal(err)
		}
		rows := p.Timeline()
		got[s.Name] = left{rows[0].Majority, rows[0].RegionsWithQuorum}
		last := rows[len(rows)-1]
		if !last.Heal || len(last.Active) > 0 || !last.Majority || !slices.Equal(last.RegionsWithQuorum, p.Topology.Regions()) {
			t.Errorf("%s: does not end in health: %+v", s.Name, last)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExamplesOfTheCatalogueAreSteps(t *testing.T) {
	for _, e := range faults.Catalogue() {
		s, err := scenarios.Parse(e.Name, []byte("name: example\nsteps:\n  - "+e.Example+"\n"))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if s.Steps[0].Fault != e.Name {
			t.Errorf("the example of %s is about %s", e.Name, s.Steps[0].Fault)
		}
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("name: mine\nsteps: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(long, []byte("name: long\nsteps: []\n#"+strings.Repeat("-", 70_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arg, name, problem string }{
		{"kill-leader", "kill-leader", ""},
		{file, "mine", ""},
		{long, "", "is longer than 64 KiB"},
		{"kil-leader", "", `did you mean "kill-leader"?`},
		{"./none.yaml", "", "read scenario: open ./none.yaml"},
		{"../scenarios/kill-leader", "", "read scenario: open"},
	} {
		s, err := scenarios.Load(c.arg)
		if s.Name != c.name || (err == nil) != (c.problem == "") || (err != nil && !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("Load(%s) = %q, %v; want %q, %q", c.arg, s.Name, err, c.name, c.problem)
		}
	}
}
