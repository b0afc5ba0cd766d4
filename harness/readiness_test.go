package harness_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
)

// TestANodeThatNeverServesEndsTheRun: clients are served all the same, so only
// the look through each node can tell. A fault on such a node would pass for harmless.
func TestANodeThatNeverServesEndsTheRun(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
	s.NeverServing = p.Topology.Nodes[1].ID
	r, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	want := "node " + string(s.NeverServing) + " does not serve"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want %q in it", err, want)
	}
	if !strings.Contains(r.AbortReason, want) || r.Result.Verdict != record.Unknown {
		t.Errorf("verdict %s, broken %q; want unknown and %q", r.Result.Verdict, r.AbortReason, want)
	}
	if slices.ContainsFunc(r.Phases, func(p record.Phase) bool { return p.Name == record.Baseline || p.Name == record.Faulty }) {
		t.Errorf("phases %+v: the run went on", r.Phases)
	}
	if len(r.Faults) > 0 || len(r.Ops) > 0 {
		t.Errorf("%d faults and %d operations of a run that never began", len(r.Faults), len(r.Ops))
	}
}

// TestReadyComesBeforeTheBaseline: the control of the test above, where every node serves.
func TestReadyComesBeforeTheBaseline(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	r, _ := drill(t, t.Context(), s, harnesstest.Plan(s, harnesstest.Outage{Store: s}, 100*time.Millisecond))
	ready := slices.IndexFunc(r.Events, func(e record.Event) bool { return e.Source == record.FromEngine && e.Kind == "ready" })
	baseline := slices.IndexFunc(r.Phases, func(p record.Phase) bool { return p.Name == record.Baseline })
	if ready < 0 || baseline < 0 {
		t.Fatalf("no ready among %+v or no baseline among %+v", r.Events, r.Phases)
	}
	if at, from := r.Events[ready].At, r.Phases[baseline].From; at > from {
		t.Errorf("ready at %v, after the baseline's begin at %v", at, from)
	}
}
