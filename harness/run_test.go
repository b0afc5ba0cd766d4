package harness_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) {
	// These tests wait for windows to pass; many can do so at one time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	harness.ReadyWithin(8 * time.Second)
	goleak.VerifyTestMain(m)
}

// noop is an outage that does not happen: the negative control of proofs.
type noop struct{ harnesstest.Outage }

func (n noop) Prepare(v faults.Victims) faults.Injection { return notInjected{n.Outage.Prepare(v)} }

type notInjected struct{ faults.Injection }

func (notInjected) Inject(context.Context) error { return nil }
func (notInjected) Heal(context.Context) error   { return nil }

func drill(t *testing.T, ctx context.Context, s *harnesstest.Store, p scenarios.Plan) (*record.Run, string) {
	t.Helper()
	r, dir, err := harness.Run(ctx, p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return r, dir
}

func finding(r *record.Run, promise string) record.Finding {
	i := slices.IndexFunc(r.Result.Findings, func(f record.Finding) bool { return f.Check == promise })
	if i < 0 {
		return record.Finding{Description: fmt.Sprintf("no finding on %s among %+v", promise, r.Result.Findings)}
	}
	return r.Result.Findings[i]
}

// TestKnownOutage: the measured RTO of an outage of known length is at most
// one bucket and 10 ms off.
func TestKnownOutage(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			r, dir := drill(t, t.Context(), s, harnesstest.Plan(s, harnesstest.Outage{Store: s}, d))
			if r.Result.Verdict != record.Pass {
				t.Fatalf("verdict %s, want pass: %+v", r.Result.Verdict, r.Result.Findings)
			}
			known := s.OutageLength()
			if off := r.Result.RTO.Worst - known; off < -10*time.Millisecond || off > r.Result.RTO.Resolution+10*time.Millisecond {
				t.Errorf("down for %v, RTO %v ±%v", known, r.Result.RTO.Worst, r.Result.RTO.Resolution)
			}
			for _, file := range []string{"plan.json", "run.json", "events.jsonl", "history.jsonl.zst", "links.json", "verdict.json", "report.html", "junit.xml", "summary.md"} {
				if st, err := os.Stat(filepath.Join(dir, file)); err != nil || st.Size() == 0 {
					t.Errorf("%s is missing or empty: %v", file, err)
				}
			}
			again, err := harness.Recheck(t.Context(), dir)
			if err != nil {
				t.Fatalf("recheck: %v", err)
			}
			if again.Result.Verdict != r.Result.Verdict || again.Result.RTO.Worst != r.Result.RTO.Worst {
				t.Errorf("judged again: %s, RTO %v; was %s, %v", again.Result.Verdict, again.Result.RTO.Worst, r.Result.Verdict, r.Result.RTO.Worst)
			}
		})
	}
}

// A step that matches no node, and says that this is allowed, is left out, and the rest of the run counts.
func TestAllowedEmptySelection(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 300*time.Millisecond)
	nobody := p.Steps[0]
	nobody.ID, nobody.On = "2-outage", topology.Selector{Node: "nobody-*", AllowEmpty: true}
	p.Steps = append(p.Steps, nobody)
	r, _ := drill(t, t.Context(), s, p)
	if f := finding(r, "fault 2-outage"); r.Result.Verdict != record.Pass || f.Verdict != record.Pass {
		t.Errorf("verdict %s, want pass; %+v", r.Result.Verdict, f)
	}
	nobody.On.AllowEmpty = false
	p.Steps[1] = nobody
	r, _ = drill(t, t.Context(), harnesstest.NewStore(), p)
	if f := finding(r, "fault 2-outage"); r.Result.Verdict == record.Pass || f.Verdict != record.Unknown {
		t.Errorf("not allowed: verdict %s, want unknown; %+v", r.Result.Verdict, f)
	}
}

// TestRed: each way in which a run must not pass.
func TestRed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		arrange func(*harnesstest.Store, *scenarios.Plan)
		promise string
		want    record.Verdict
	}{
		{"a lying store", func(s *harnesstest.Store, _ *scenarios.Plan) { s.DropsAdds = true }, "rpo", record.Fail},
		{"a node that cannot be read back", func(s *harnesstest.Store, p *scenarios.Plan) { s.Unreadable = p.Topology.Nodes[1].ID }, "rpo", record.Unknown},
		{"an outage beyond the objective", func(s *harnesstest.Store, p *scenarios.Plan) { p.Objectives.RTO = 500 * time.Millisecond }, "rto", record.Fail},
		{"a fault that does nothing", func(s *harnesstest.Store, p *scenarios.Plan) { p.Steps[0].With = noop{harnesstest.Outage{Store: s}} }, "fault 1-outage", record.Vacuous},
		{"a service that stays away", func(s *harnesstest.Store, p *scenarios.Plan) {
			p.Steps[0].With = forever{harnesstest.Outage{Store: s}}
			p.Observe = 7 * time.Second
		}, "rto", record.Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second)
			tt.arrange(s, &p)
			r, _ := drill(t, t.Context(), s, p)
			if got := finding(r, tt.promise); got.Verdict != tt.want {
				t.Errorf("%s: %s (%s), want %s", tt.promise, got.Verdict, got.Description, tt.want)
			}
			if r.Result.Verdict == record.Pass {
				t.Error("the run passed")
			}
		})
	}
}

// forever is an outage whose heal does not help.
type forever struct{ harnesstest.Outage }

func (f forever) Prepare(v faults.Victims) faults.Injection { return notHealed{f.Outage.Prepare(v)} }

type notHealed struct{ faults.Injection }

func (notHealed) Heal(context.Context) error { return nil }

// TestNoFaultTwin: without a fault nothing is out, and the proof of a fault is red.
func TestNoFaultTwin(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, noop{harnesstest.Outage{Store: s}}, time.Second)
	r, _ := drill(t, t.Context(), s, p)
	if r.Result.RTO.Worst != 0 {
		t.Errorf("RTO %v without a fault, want 0", r.Result.RTO.Worst)
	}
	if f := r.Faults[0]; f.Active.Proved || f.Inject.Effective != record.NotReached {
		t.Errorf("a fault that was not injected is proved: %+v", f)
	}
}

// TestInterrupted: when the context ends, the fault is healed and the record
// kept; the verdict is unknown.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir(), Watch: func(p harness.Progress) {
		if p.Event != nil && p.Event.Kind == record.EventActive {
			cancel()
		}
	}}
	r, dir, err := harness.Run(ctx, p, o)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if r.Result.Verdict != record.Unknown || r.AbortReason == "" {
		t.Errorf("verdict %s, broken %q; want unknown and a reason", r.Result.Verdict, r.AbortReason)
	}
	if s.Down() || r.Faults[0].Heal.Confirmed == record.NotReached {
		t.Errorf("the fault was not healed: down %v, %+v", s.Down(), r.Faults[0].Heal)
	}
	if loaded, err := record.Load(dir); err != nil || loaded.AbortReason == "" {
		t.Errorf("stored record: %v, %+v", err, loaded)
	}
}

// TestEnvironment: a node that does not start is an error, not a verdict.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	kind := clustertest.Fake(nil)
	kind.Open = func(context.Context, cluster.Spec) (cluster.Runtime, error) { return nil, errors.New("no engine") }
	_, dir, err := harness.Run(t.Context(), harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second), harness.Options{Target: s, Runtime: kind, Root: t.TempDir()})
	if err == nil {
		t.Fatal("ran without an engine")
	}
	loaded, lerr := record.Load(dir)
	if lerr != nil || loaded.AbortReason == "" {
		t.Errorf("stored record: %v, %+v", lerr, loaded)
	}
}
