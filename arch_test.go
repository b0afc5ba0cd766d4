package holdfast_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mcp-resilience/holdfast"

// arrows lists, for each of our packages, which of our packages its code may
// import, and why. What is not listed is forbidden; a package without a row is
// a package whose room has not been decided. A pattern may end in "/...".
var arrows = []struct {
	from string
	to   []string
	why  string
}{
	{"harness/topology", nil, "values that everything names; the standard library is enough"},
	{"harness/history", []string{"harness/topology"}, "an operation names its region and node"},
	{"harness/record", []string{"harness/topology", "harness/history"}, "what is kept of a run"},
	{"harness/check", []string{"harness/topology", "harness/history", "harness/record"}, "verdicts are functions of the record, so a stored run can be judged again"},
	{"reports/...", []string{"harness/topology", "harness/history", "harness/record", "reports/..."}, "reports are functions of the record and judge nothing"},
	{"harness/linkd/...", []string{"harness/linkd/...", "harness/mesh/wire", "harness/mesh/probe"}, "the link proxy knows bytes, not clusters"},
	{"harness/mesh/...", []string{"harness/topology", "harness/mesh/..."}, "links speak HTTP to linkds that somebody else started"},
	{"harness/loopback", []string{"harness/topology", "harness/mesh"}, "addresses of pods within one machine"},
	{"harness/program", []string{"harness/topology"}, "a program is declared by a node"},
	{"harness/cluster", []string{"harness/topology", "harness/mesh"}, "a running topology is nodes and links"},
	{"harness/owner", nil, "who owns a run is a question to the operating system"},
	{"harness/watchdog", []string{"harness/cluster", "harness/owner"}, "it keeps the journal; the runtimes that it sweeps are handed to it"},
	{"harness/docker", []string{"harness/topology", "harness/mesh", "harness/cluster", "harness/owner"}, "siblings behind cluster.Runtime"},
	{"harness/local", []string{"harness/topology", "harness/mesh", "harness/cluster", "harness/owner", "harness/loopback"}, "siblings behind cluster.Runtime"},
	{"harness/workload", []string{"harness/topology", "harness/history"}, "clients are seen only through their operations"},
	{"faults", []string{"harness/topology", "harness/mesh", "harness/cluster"}, "a fault disturbs nodes and links and knows no system by name"},
	{"scenarios", []string{"faults", "harness/topology", "harness/workload", "harness/record", "harness/cluster"}, "a scenario names faults, load and the objectives of the record; its dry run asks faults about a declared cluster"},
	{"targets", []string{"harness/topology", "harness/cluster", "harness/workload", "harness/record"}, "the seam to systems under test"},
	{"targets/mcp", []string{"targets", "harness/topology", "harness/history", "harness/cluster", "harness/workload", "harness/record", "mcp/..."}, "only the adapter knows its system"},
	{"targets/etcd", []string{"targets", "harness/topology", "harness/history", "harness/cluster", "harness/workload", "harness/record"}, "only the adapter knows its system"},
	{"mcp/...", []string{"mcp/..."}, "the platform under test knows nothing of the framework"},
	{"harness", []string{"harness/topology", "harness/history", "harness/record", "harness/check", "harness/cluster", "harness/mesh", "harness/program", "harness/watchdog", "harness/workload", "faults", "scenarios", "targets", "reports"}, "the engine; runtimes and systems under test are handed to it"},
	{"harness/drill/...", []string{"harness/...", "scenarios", "targets/...", "reports", "faults"}, "a face: it wires everything"},
	{"harness/drill/stock", []string{"harness/cluster", "harness/docker", "harness/local", "scenarios", "targets/...", "faults"}, "one literal of targets and runtimes, shared by the faces"},
	{"cmd/mcpd", []string{"mcp/..."}, "the platform's node"},
	{"cmd/linkd", []string{"harness/linkd/...", "harness/mesh/..."}, "the link proxy's program"},
	{"cmd/watchdog", []string{"harness/watchdog", "harness/docker", "harness/local", "harness/cluster", "harness/owner"}, "wires the runtimes to be swept"},
	{"cmd/holdfast", []string{"harness/...", "scenarios", "targets/...", "reports", "faults"}, "a face: it wires everything"},
	{"e2e/...", []string{"harness/...", "scenarios", "targets/...", "reports", "faults"}, "suites only"},
	{"examples/ownstore/...", []string{"targets", "harness/topology", "harness/history", "harness/cluster", "harness/workload"}, "a target that a user writes"},
	{"examples/...", []string{"harness/drill"}, "what a user writes"},
	{"harness/cluster/clustertest/...", []string{"harness/topology", "harness/mesh/...", "harness/cluster/...", "harness/program", "harness/linkd/...", "harness/loopback"}, "conformance suite of runtimes"},
	{"harness/harnesstest", []string{"harness/...", "faults", "scenarios", "targets"}, "a system of which everything is known, to measure the engine with"},
	{"targets/targettest", []string{"targets", "harness/...", "scenarios"}, "conformance suite of targets"},
	{"faults/faultstest", []string{"faults", "harness/..."}, "conformance suite of faults"},
}

// reserved lists libraries that only some packages may reach.
var reserved = []struct {
	library string
	direct  bool // only direct imports count
	only    []string
	why     string
}{
	{"github.com/anishathalye/porcupine", true, []string{"harness/check"}, "one importer, so that the model of linearizability is in one place"},
	{"github.com/onsi/", true, []string{"harness/drill/...", "e2e/...", "examples/..."}, "the engine knows no test framework"},
	{"github.com/moby/moby", false, []string{"cmd/holdfast", "cmd/watchdog", "harness/docker", "harness/drill/...", "e2e/...", "examples/..."}, "who does not want containers does not link an engine's client"},
	{"github.com/testcontainers/", false, []string{"cmd/holdfast", "cmd/watchdog", "harness/docker", "harness/drill/...", "e2e/...", "examples/..."}, "who does not want containers does not link an engine's client"},
	{"testing", true, []string{"harness/cluster/clustertest/...", "targets/targettest", "faults/faultstest", "mcp/mcptest", "harness/drill/...", "e2e/...", "examples/..."}, "the engine never sees *testing.T"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		from, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		i := slices.IndexFunc(arrows, func(a struct {
			from string
			to   []string
			why  string
		},
		) bool {
			return matches(a.from, from)
		})
		if i < 0 {
			t.Errorf("%s has no row in arrows: say what it may import, and why", from)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if ours && !matchesAny(arrows[i].to, to) {
				t.Errorf("%s must not import %s: %s", from, to, arrows[i].why)
			}
		}
		for _, r := range reserved {
			if matchesAny(r.only, from) {
				continue
			}
			reached := p.Deps
			if r.direct {
				reached = p.Imports
			}
			for _, lib := range reached {
				if lib == r.library || strings.HasPrefix(lib, strings.TrimSuffix(r.library, "/")+"/") {
					t.Errorf("%s must not reach %s: %s", from, lib, r.why)
					break
				}
			}
		}
	}
}

// TestArrowsCanBeBroken keeps the matching honest.
func TestArrowsCanBeBroken(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"mcp/...", "mcp", true},
		{"mcp/...", "mcp/client", true},
		{"mcp/...", "mcpd", false},
		{"harness/mesh", "harness/mesh/wire", false},
		{"harness", "harness/check", false},
	} {
		if got := matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.pattern, tt.name, got)
		}
	}
}

func matches(pattern, name string) bool {
	if base, tree := strings.CutSuffix(pattern, "/..."); tree {
		return name == base || strings.HasPrefix(name, base+"/")
	}
	return path.Clean(pattern) == name
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}
