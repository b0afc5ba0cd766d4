package harness_test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestShapeOfAPlanRun compares everything that a run of a plan leaves, but for
// times and what depends on them, with what runs have always left: phases,
// events, faults with their proofs, findings and files.
func TestShapeOfAPlanRun(t *testing.T) {
	if !linkFaults {
		t.Skip("the run has a fault of links")
	}
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
	p.Steps = append(p.Steps,
		scenarios.Step{ID: "2-kill", At: 500 * time.Millisecond, For: 2 * time.Second, Fault: "kill", With: &faults.Kill{}, On: topology.Selector{Region: "south"}},
		scenarios.Step{ID: "3-pause", At: 3 * time.Second, For: time.Second, Fault: "pause", With: &faults.Pause{}, On: topology.Selector{Role: topology.Leader}},
		scenarios.Step{ID: "4-outage", At: 4 * time.Second, For: time.Second, Fault: "outage", With: noop{harnesstest.Outage{Store: s}}, On: topology.Selector{All: true}},
		scenarios.Step{ID: "5-isolate", At: 9 * time.Second, For: 2500 * time.Millisecond, Fault: "isolate", With: &faults.Isolate{}, On: topology.Selector{Region: "north"}},
	)
	r, dir := drill(t, t.Context(), s, p)
	golden := filepath.Join("testdata", "plan_run.golden")
	got := shapeOf(t, r, dir)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("shape of the run (-want +got):\n%s", diff)
	}
}

// shapeOf lists what a run left, without its figures and sentences. Events of
// one fault keep their order; those of faults that overlap may come in any.
func shapeOf(t *testing.T, r *record.Run, dir string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("phases\n")
	for _, p := range r.Phases {
		fmt.Fprintf(&b, "  %s\n", p.Name)
	}
	b.WriteString("events of the engine\n")
	for _, e := range r.Events {
		if e.Fault != "" {
			continue
		}
		fmt.Fprintf(&b, "  %s %s", e.Source, e.Kind)
		if e.Kind == "phase" {
			b.WriteString(" " + e.Description)
		}
		b.WriteString("\n")
	}
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "fault %s %s episode %d: %s\n  on %v, impact %v, %d flows\n", f.ID, f.Name, f.Episode, f.Description, f.Nodes, f.Impact, len(f.Flows))
		fmt.Fprintf(&b, "  inject reached %v, heal reached %v\n", reached(f.Inject), reached(f.Heal))
		fmt.Fprintf(&b, "  active %v, cleared %v, control %v, failed %v, heal failed %v\n",
			f.Active.Proved, f.Cleared.Proved, f.ControlUnaffected.Proved, f.Error != "", f.HealError != "")
		for _, e := range r.Events {
			if e.Fault == f.ID {
				fmt.Fprintf(&b, "  %s %s\n", e.Source, e.Kind)
			}
		}
	}
	b.WriteString("matrices\n")
	for _, m := range r.Matrices {
		fmt.Fprintf(&b, "  %s of %d links\n", m.When, len(m.Links))
	}
	fmt.Fprintf(&b, "verdict %s, expected %s\n", r.Result.Verdict, r.Result.Expected)
	report, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Result.Findings {
		fmt.Fprintf(&b, "  %s is %s, reported %v\n", f.Check, f.Verdict, strings.Contains(string(report), html.EscapeString(f.Check)))
	}
	b.WriteString("files\n")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		fmt.Fprintf(&b, "  %s\n", e.Name())
	}
	return b.String()
}

func reached(t record.Times) []string {
	var out []string
	for name, at := range map[string]time.Duration{"planned": t.Planned, "requested": t.Requested, "confirmed": t.Confirmed, "effective": t.Effective} {
		if at != record.NotReached {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
