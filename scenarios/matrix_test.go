package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/scenarios"
)

func TestMatrix(t *testing.T) {
	all, err := scenarios.ParseAll("f.yaml", []byte(`name: x
matrix: {delay: [30ms, 100ms], nodes: [1, 3], slow: [true]}
topology: {nodes: $nodes}
steps:
  - {at: 0s, for: 5s, fault: latency, on: {all: true}, with: {delay: $delay, clients: $slow}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		p, err := s.Resolve(three(s.Topology.Nodes), 1)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v: %d nodes, %s", p.Parameters, len(p.Topology.Nodes), p.Timeline()[0].Description))
	}
	const slowed = "slow the links of every region and the others, clients too by "
	want := []string{
		"[delay=30ms nodes=1 slow=true]: 3 nodes, " + slowed + "30ms (both ways)",
		"[delay=30ms nodes=3 slow=true]: 9 nodes, " + slowed + "30ms (both ways)",
		"[delay=100ms nodes=1 slow=true]: 3 nodes, " + slowed + "100ms (both ways)",
		"[delay=100ms nodes=3 slow=true]: 9 nodes, " + slowed + "100ms (both ways)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMatrixProblems(t *testing.T) {
	for file, want := range map[string]string{
		"name: x\nsteps: []\nbaseline: $long":                                  "f.yaml:3:1: baseline: $long is no parameter: there is no matrix",
		"name: x\nsteps: []\nmatrix: {lenght: [5s]}\nbaseline: $length":        `f.yaml:4:1: baseline: $length is no parameter; matrix has lenght; did you mean "lenght"?`,
		"name: x\nsteps: []\nmatrix: {length: [5s]}":                           "f.yaml:3:10: matrix.length: is used nowhere: write $length where its values belong",
		"name: x\nsteps: []\nmatrix: {length: []}\nbaseline: $length":          "f.yaml:3:10: matrix.length: has no value",
		"name: x\nsteps: []\nmatrix: {length: [[1]]}\nbaseline: $length":       "matrix.length[0]: is no single value",
		"name: x\nsteps: []\nmatrix: {length: [5s, 5]}\nbaseline: $length":     "f.yaml:4:1: baseline: 5 is no duration",
		"name: x\nsteps: []\nmatrix: {length: [5s, 5h]}\nbaseline: $length":    "f.yaml:4:1: baseline: 5h0m0s is out of range",
		"name: x\nsteps: []\nmatrix: {length: 5s}\nbaseline: $length":          "f.yaml:3:10: matrix.length: 5s is no list",
		"name: x\nsteps: []\nmatrix: {a-b: [5s]}":                              "f.yaml:3:10: matrix.a-b: is no name of a parameter",
		"name: x\nsteps: []\nmatrix: {a: [" + strings.Repeat("1,", 64) + "1]}": "f.yaml:3:1: matrix: makes more than 64 runs",
		"name: x\nsteps: []\nuses: wan.yaml":                                   "f.yaml:3:1: uses: is only for scenarios that are read from a file",
		"name: x\nsteps: []\nuses: ../wan.yaml":                                `f.yaml:3:1: uses: "../wan.yaml" is no name of a file beside the scenario, such as wan.yaml`,
	} {
		_, err := scenarios.ParseAll("f.yaml", []byte(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %s", file, err, want)
		}
	}
}

func TestUses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("wan.yaml", "topology: {nodes: 3}\nload: {reads: 7}\n")
	write("bad.yaml", "load:\n  raeds: 7\n")
	write("zero.yaml", "load: {reads: 0}\n")
	write("more.yaml", "load: {reads: 5}\nsteps: []\n")
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte("load: {reads: 9}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Load(write("a.yaml", "name: a\nsteps: []\nuses: wan.yaml\n"))
	if err != nil || s.Topology.Nodes != 3 || s.Load.Reads != 7 {
		t.Errorf("%d nodes and %d reads, %v; want those of wan.yaml", s.Topology.Nodes, s.Load.Reads, err)
	}
	s, err = scenarios.Load(write("b.yaml", "name: b\nsteps: []\nuses: wan.yaml\nload: {reads: 9}\n"))
	if err != nil || s.Topology.Nodes != 3 || s.Load.Reads != 9 {
		t.Errorf("%d nodes and %d reads, %v; want its own load", s.Topology.Nodes, s.Load.Reads, err)
	}
	for used, want := range map[string]string{
		"none.yaml": "uses: open none.yaml",
		"bad.yaml":  `bad.yaml:2:3: load.raeds: is no field here`,
		"zero.yaml": "zero.yaml:1:8: load.reads: 0 is out of range: want 1 to 20000",
		"more.yaml": "more.yaml:2:1: steps: is no field here; there are topology, load",
		"link.yaml": "uses: open link.yaml",
	} {
		_, err := scenarios.Load(write("c.yaml", "name: c\nsteps: []\nuses: "+used+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", used, err, want)
		}
	}
}
