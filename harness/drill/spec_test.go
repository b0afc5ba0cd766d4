package drill

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// childVariable marks the process that runs the specs of this file. Most of them must fail, so
// each runs in a child process, and its report is read.
const childVariable = "HOLDFAST_DRILL_SPECS"

func TestSpecs(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		RegisterFailHandler(Fail)
		RunSpecs(t, "specs of drill")
		return
	}
	for name, tt := range map[string]struct {
		state   string
		message []string // parts of the failure's text
		entries int      // runs attached to the report
	}{
		"an unused target": {"failed", []string{
			`drill.Against gives target "store", but scenario isolate-main-region drills target "mcp"`,
			`write "target: store" in the scenario's file, or pass drill.With(func(s *scenarios.Scenario) { s.Target = "store" })`,
		}, 0},
		"a mistyped check": {"failed", []string{`there is no check "avialability"`, `did you mean "availability"?`}, 0},
		"a run of which the spec asserts on the recovery alone": {"failed", []string{
			"The spec asserts nothing about findings that are not a pass", "rpo is fail", `drill.IgnoreChecks("rpo", "linearizable")`, "report: ",
		}, 1},
		"a run whose loss the spec ignores":                        {"passed", nil, 1},
		"a window of which the spec asserts on the recovery alone": {"failed", []string{"rpo is fail"}, 1},
		"a session of which the spec asserts nothing":              {"failed", []string{"rpo is fail"}, 1},
		"a fault that the runtime cannot do":                       {"skipped", []string{"cannot limit a node's use of the processor"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runSpec(t, name)
			if got.State.String() != tt.state {
				t.Errorf("the spec is %s, want %s: %s", got.State, tt.state, got.Failure.Message)
			}
			for _, part := range tt.message {
				if !strings.Contains(got.Failure.Message, part) {
					t.Errorf("the message does not contain %q:\n%s", part, got.Failure.Message)
				}
			}
			entries := 0
			for _, e := range got.ReportEntries {
				if e.Name == EntryName {
					entries++
				}
			}
			if entries != tt.entries {
				t.Errorf("%d runs are attached to the report, want %d", entries, tt.entries)
			}
		})
	}
}

// runSpec runs a spec in a child process and returns its report.
func runSpec(t *testing.T, name string) SpecReport {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSpecs$", "-ginkgo.focus="+name+"$", "-ginkgo.json-report="+file)
	c.Env = append(os.Environ(), childVariable+"=1", "HOLDFAST_RUNS="+t.TempDir())
	output, err := c.CombinedOutput()
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatalf("no report: %v (%v)\n%s", readErr, err, output)
	}
	var suites []Report
	if err := json.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	for _, spec := range suites[0].SpecReports {
		if spec.LeafNodeText == name {
			return spec
		}
	}
	t.Fatalf("no spec %q ran:\n%s", name, output)
	return SpecReport{}
}

// onFake runs nodes that are not there; the store lives in this process.
func onFake(o *options) {
	driver := clustertest.Fake(nil)
	o.driver = &driver
}

func storeThatLoses() *harnesstest.Store {
	s := harnesstest.NewStore()
	s.DropsAdds, s.Leads = true, "east-1"
	return s
}

// runWith runs a scenario in which north-1 suffers a fault for a second.
func runWith(ctx SpecContext, fault string, opts ...Option) *Result {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "short.yaml")
	Expect(os.WriteFile(file, []byte("name: short\ndescription: A node fails.\ntarget: store\nbaseline: 2s\n"+
		"load: {reads: 100, writes: 100}\nsteps:\n  - {at: 0s, for: 1s, fault: "+fault+", on: {node: north-1}}\nobserve: 20s\n"), 0o644)).To(Succeed())
	return Run(ctx, file, append(opts, onFake)...)
}

func startWith(ctx SpecContext, s *harnesstest.Store) *Session {
	GinkgoHelper()
	return Start(ctx, onFake, Against(s), Configure(func(c *harness.Config) {
		c.Load, c.Baseline = workload.Load{Reads: 100, Writes: 100}, time.Second
	}))
}

var north = topology.Selector{Node: "north-1"}

var _ = It("an unused target", func(ctx SpecContext) {
	Run(ctx, "isolate-main-region", onFake, Against(harnesstest.NewStore()))
})

var _ = It("a mistyped check", func(ctx SpecContext) {
	Run(ctx, "isolate-main-region", onFake, IgnoreChecks("avialability"))
})

var _ = It("a run of which the spec asserts on the recovery alone", func(ctx SpecContext) {
	Expect(runWith(ctx, "kill", Against(storeThatLoses()))).To(RecoverWithin(30 * time.Second))
})

var _ = It("a run whose loss the spec ignores", func(ctx SpecContext) {
	Expect(runWith(ctx, "kill", Against(storeThatLoses()), IgnoreChecks("rpo", "linearizable"))).To(RecoverWithin(30 * time.Second))
})

var _ = It("a window of which the spec asserts on the recovery alone", func(ctx SpecContext) {
	s := startWith(ctx, storeThatLoses())
	w := s.Window(ctx)
	s.Inject(ctx, &faults.Kill{}, north).Heal(ctx)
	Expect(w.Judge(ctx)).To(RecoverWithin(30 * time.Second))
})

var _ = It("a session of which the spec asserts nothing", func(ctx SpecContext) {
	s := startWith(ctx, storeThatLoses())
	s.Inject(ctx, &faults.Kill{}, north).Heal(ctx)
	s.Finish(ctx)
})

var _ = It("a fault that the runtime cannot do", func(ctx SpecContext) {
	runWith(ctx, "throttle, with: {cpu: 0.1}", Against(harnesstest.NewStore()))
})
