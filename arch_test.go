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

// floors are the storeys of the house, the ground first. A package imports only
// from floors below its own, and from its own room, which is its first folder.
// The reference platform in mcp stands beside the house and imports only itself and
// internal, whose helpers know neither of the two.
var floors = [][]string{
	{"internal", "docs"},
	{"topology"},
	{"cluster", "history"},
	{"faults", "workload", "record"},
	{"scenarios", "reports", "targets", "check"},
	{"harness"},
	{"cmd", "e2e", "examples"},
}

// platformUsers are the only places outside mcp that may import from it.
var platformUsers = []string{"mcp/...", "targets/mcp", "cmd/mcpd", "e2e/..."}

// platformServers may link what the reference platform serves with. Its clients, and
// so the command line, may not: that was a third of the packages the command compiled.
var platformServers = []string{"mcp/...", "cmd/mcpd", "e2e/..."}

// arrows lists, for each of our packages, which of our packages its code may
// import, and why. What is not listed is forbidden; a package without a row is
// a package whose room has not been decided. A pattern may end in "/...".
var arrows = []struct {
	from string
	to   []string
	why  string
}{
	{"internal/...", []string{"internal/..."}, "small helpers that several rooms share and that know none of them; every package may import them, the reference platform too"},
	{"docs", nil, "the manual of the scenario language, for the command to quote"},
	{"topology", nil, "values that everything names; the standard library is enough"},
	{"history", []string{"topology"}, "an operation names its region and node"},
	{"history/foreign", []string{"topology", "history"}, "files of other tools, read as operations of ours"},
	{"history/goodput", []string{"topology", "history"}, "one way to count good operations by bucket, for verdict, report and live display"},
	{"record", []string{"topology", "history"}, "what is kept of a run"},
	{"check", []string{"topology", "history", "record", "check/..."}, "verdicts are functions of the record, so a stored run can be judged again; the roof assembles them"},
	{"check/format", []string{"topology", "history"}, "findings quote figures and operations in one way"},
	{"check/keyindex", []string{"topology", "history"}, "operations are grouped by key once for all checks"},
	{"check/linear", []string{"history", "check/keyindex", "check/format"}, "a library that anyone can use on a history of his own: it needs no record of a run"},
	{"check/models", []string{"history", "history/foreign", "record", "check/linear", "check/keyindex", "check/format"}, "a history judged alone, as holdfast check does; it needs the words for verdicts, and no run"},
	{"check/quorum", []string{"topology", "record"}, "one definition of when which clients had no quorum"},
	{"check/index", []string{"topology", "history", "record", "check/interference", "check/keyindex", "check/quorum"}, "what several checks ask of a run, worked out once; it judges nothing"},
	{"check/interference", []string{"topology", "history", "record"}, "when the harness or the machine, and not the system, made operations bad; it judges nothing"},
	{"check/recovery", []string{"topology", "history", "history/goodput", "record", "check/index", "check/interference", "check/quorum", "check/format"}, "recovery counts good operations by bucket"},
	{"check/durability", []string{"topology", "history", "record", "check/index", "check/keyindex", "check/quorum", "check/format"}, "what became of acknowledged writes; checks know nothing of each other"},
	{"check/accounts", []string{"topology", "history", "record", "check/index", "check/keyindex", "check/format"}, "a ledger of transfers; checks know nothing of each other"},
	{"check/delivery", []string{"topology", "history", "record", "check/index", "check/keyindex", "check/format"}, "streams and their consumers; checks know nothing of each other"},
	{"check/events", []string{"topology", "history", "record", "check/index", "check/quorum", "check/format"}, "what the system reported of itself; checks know nothing of each other"},
	{"check/degradation", []string{"topology", "history", "record", "check/index", "check/quorum", "check/format"}, "what is left when not everything can be served; checks know nothing of each other"},
	{"check/validity", []string{"topology", "record", "check/index", "check/interference", "check/format"}, "whether the run means anything; checks know nothing of each other"},
	{"check/checktest", []string{"topology", "history", "record", "check/index"}, "records of which everything is known, to measure the checks with"},
	{"reports/...", []string{"topology", "history", "history/goodput", "record", "reports/..."}, "reports are functions of the record and judge nothing"},
	{"cluster/links/linkd/...", []string{"cluster/links/linkd/...", "cluster/links/wire", "cluster/links/probe"}, "the link proxy knows bytes, not clusters"},
	{"cluster/links/...", []string{"topology", "cluster/links/..."}, "links speak HTTP to linkds that somebody else started"},
	{"cluster/loopback", []string{"topology", "cluster/links"}, "addresses of pods within one machine"},
	{"cluster/build", []string{"topology"}, "a program is declared by a node"},
	{"cluster", []string{"topology", "cluster/links"}, "a running topology is nodes and links"},
	{"cluster/cleanup", []string{"cluster", "cluster/cleanup"}, "it keeps the journal; the runtimes that it sweeps are handed to it"},
	{"cluster/turns", []string{"cluster/cleanup"}, "which runs are under way is what their owners say"},
	{"cluster/docker", []string{"topology", "cluster/links", "cluster", "cluster/cleanup"}, "siblings behind cluster.Runtime"},
	{"cluster/local/faultfs", nil, "a file system that can fail knows no cluster"},
	{"cluster/local", []string{"topology", "cluster/links", "cluster", "cluster/cleanup", "cluster/loopback", "cluster/local/faultfs"}, "siblings behind cluster.Runtime"},
	{"workload", []string{"topology", "history"}, "clients are seen only through their operations"},
	{"faults", []string{"topology", "cluster/links", "cluster"}, "a fault disturbs nodes and links and knows no system by name"},
	{"scenarios", []string{"docs", "faults", "topology", "workload", "record", "cluster"}, "a scenario names faults, load and the objectives of the record; its dry run asks faults about a declared cluster, and it explains fields in the words of the manual"},
	{"targets", []string{"topology", "history", "cluster", "workload", "record"}, "the seam to systems under test, which says what operations a system serves"},
	{"targets/file", []string{"targets", "targets/protocols", "targets/protocols/builtin", "topology", "history", "cluster", "workload"}, "a target that is a file: a system known only by its nodes and by the protocol of its clients"},
	{"targets/mcp", []string{"targets", "topology", "history", "cluster", "workload", "record", "mcp/api/...", "mcp/client"}, "only the adapter knows its system, and it is a client of it: it links nothing that serves"},
	{"targets/etcd", []string{"targets", "topology", "history", "cluster", "workload", "record"}, "only the adapter knows its system"},
	{"targets/protocols", []string{"topology", "history", "workload"}, "the seam to clients: a system is endpoints and a way to dial them, so a protocol knows no cluster"},
	{"targets/protocols/wire", nil, "bytes of one connection"},
	{"targets/protocols/failover", []string{"topology", "targets/protocols"}, "which node a client uses, whatever it says to it"},
	{"targets/protocols/builtin", []string{"targets/protocols", "targets/protocols/exec", "targets/protocols/http", "targets/protocols/nats", "targets/protocols/postgres", "targets/protocols/redis"}, "one literal of protocols"},
	{"targets/protocols/protocoltest", []string{"topology", "history", "workload", "targets/protocols"}, "conformance suite of protocols"},
	{"targets/protocols/...", []string{"topology", "history", "workload", "targets/protocols", "targets/protocols/wire", "targets/protocols/failover"}, "protocols know nothing of each other"},
	{"mcp/api/...", []string{"mcp/api/..."}, "the wire contract, which clients and servers share"},
	{"mcp/client", []string{"mcp/api/...", "mcp/pki"}, "a client of the platform links nothing that serves"},
	{"mcp/...", []string{"mcp/..."}, "the platform under test knows nothing of the framework"},
	{"harness", []string{"topology", "history", "history/goodput", "record", "check", "check/linear", "check/keyindex", "cluster", "cluster/links", "cluster/build", "cluster/cleanup", "workload", "faults", "scenarios", "targets", "reports"}, "the engine; runtimes and systems under test are handed to it"},
	{"harness/drill/...", []string{"harness/...", "scenarios", "targets/...", "reports", "faults", "record", "cluster", "topology"}, "the Ginkgo face wires everything"},
	{"harness/gotest", []string{"harness", "harness/builtin", "cluster", "faults", "topology", "record", "reports"}, "the face for plain testing"},
	{"harness/builtin", []string{"cluster", "cluster/docker", "cluster/local", "scenarios", "targets/...", "faults", "record"}, "one literal of targets and runtimes, shared by the faces"},
	{"cmd/mcpd", []string{"mcp/..."}, "the platform's node"},
	{"cmd/linkd", []string{"cluster/links/linkd/...", "cluster/links/..."}, "the link proxy's program"},
	{"cmd/watchdog", []string{"cluster/cleanup", "cluster/docker", "cluster/local", "cluster"}, "wires the runtimes to be swept"},
	{"cmd/holdfast", []string{"harness/...", "scenarios", "targets/...", "reports", "faults", "workload", "record", "cluster/...", "check/linear", "check/models", "history", "history/foreign", "topology"}, "the command line wires everything"},
	{"e2e/...", []string{"harness/...", "scenarios", "targets/...", "reports", "faults", "workload", "record", "cluster/...", "history", "topology"}, "suites only"},
	{"examples/ownstore/...", []string{"targets", "topology", "history", "cluster", "workload"}, "a target that a user writes"},
	{"examples/...", []string{"harness/drill", "harness/gotest", "harness", "faults", "record", "topology"}, "what a user writes"},
	{"cluster/clustertest/...", []string{"topology", "cluster/..."}, "conformance suite of runtimes"},
	{"harness/harnesstest", []string{"topology", "history", "record", "cluster/...", "workload", "faults", "scenarios", "targets"}, "a system of which everything is known, to measure the engine with"},
	{"targets/conformance", []string{"targets", "topology", "history", "cluster/...", "workload", "record"}, "conformance suite of targets, for tests and for the command line"},
	{"targets/targettest", []string{"targets", "targets/conformance", "topology", "cluster"}, "the conformance suite in a test"},
	{"faults/faultstest", []string{"faults", "topology", "cluster/..."}, "conformance suite of faults"},
}

// reserved lists libraries that only some packages may reach.
var reserved = []struct {
	library string
	direct  bool // only direct imports count
	only    []string
	why     string
}{
	{"github.com/anishathalye/porcupine", true, []string{"check/linear"}, "one importer, so that the model of linearizability is in one place"},
	{"github.com/onsi/", false, []string{"harness/drill/...", "e2e/...", "examples/..."}, "the engine and the face for plain testing link no test framework"},
	{"github.com/moby/moby", false, []string{"cmd/holdfast", "cmd/watchdog", "cluster/docker", "harness/drill/...", "harness/gotest", "harness/builtin", "e2e/...", "examples/..."}, "who does not want containers does not link an engine's client"},
	{"github.com/testcontainers/", false, []string{"cmd/holdfast", "cmd/watchdog", "cluster/docker", "harness/drill/...", "harness/gotest", "harness/builtin", "e2e/...", "examples/..."}, "who does not want containers does not link an engine's client"},
	{"github.com/nats-io/nats-server", false, platformServers, "who drives the platform does not link its servers"},
	{"github.com/hashicorp/raft", false, platformServers, "who drives the platform does not link its servers"},
	{"github.com/minio/", false, platformServers, "who drives the platform does not link its object store"},
	{"github.com/jackc/pgx", true, []string{"targets/protocols/postgres"}, "one importer, so that no other client inherits the driver's retries and cancellations"},
	{"github.com/aws/", false, nil, "an S3 client costs the AWS SDK a hundred packages"},
	{"testing", true, []string{"check/checktest", "cluster/clustertest/...", "targets/targettest", "targets/protocols/protocoltest", "faults/faultstest", "mcp/mcptest", "harness/drill/...", "harness/gotest", "e2e/...", "examples/..."}, "the engine never sees *testing.T"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// floor is the index of a package's room in floors, or -1.
func floor(name string) int {
	room, _, _ := strings.Cut(name, "/")
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// risingArrow returns why from must not import to, or "" when the import falls.
func risingArrow(from, to string) string {
	fromRoom, _, _ := strings.Cut(from, "/")
	toRoom, _, _ := strings.Cut(to, "/")
	switch {
	case toRoom == "mcp":
		if !matchesAny(platformUsers, from) {
			return "only " + strings.Join(platformUsers, ", ") + " know the reference platform"
		}
	case fromRoom == "mcp" && toRoom != "internal":
		return "the reference platform imports nothing of the framework"
	case fromRoom == toRoom, fromRoom == "mcp":
	case floor(from) < 0:
		return fromRoom + " stands on no floor: add it to floors"
	case floor(to) >= floor(from):
		return toRoom + " is not on a floor below " + fromRoom
	}
	return ""
}

func TestImportsFallThroughTheFloors(t *testing.T) {
	for _, p := range packages(t) {
		from, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				if why := risingArrow(from, to); why != "" {
					t.Errorf("%s must not import %s: %s", from, to, why)
				}
			}
		}
	}
}

// TestARisingImportIsRefused keeps the test of the floors honest.
func TestARisingImportIsRefused(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		rises    bool
	}{
		{"cluster/docker", "topology", false},
		{"cluster/docker", "cluster", false},
		{"topology", "history", true},
		{"faults", "workload", true},
		{"cluster", "faults", true},
		{"reports", "check", true},
		{"check", "harness", true},
		{"harness", "mcp/api", true},
		{"targets/mcp", "mcp/api", false},
		{"mcp/node", "topology", true},
		{"mcp/node", "internal/broadcast", false},
		{"internal/broadcast", "mcp/api", true},
		{"attic", "topology", true},
	} {
		if got := risingArrow(tt.from, tt.to) != ""; got != tt.rises {
			t.Errorf("%s → %s rises: got %v, want %v", tt.from, tt.to, got, tt.rises)
		}
	}
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
			if ours && !matchesAny(arrows[i].to, to) && !matches("internal/...", to) {
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
		{"cluster/links", "cluster/links/wire", false},
		{"harness", "check", false},
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
