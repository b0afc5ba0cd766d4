package harness_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/harness/topology"
	"github.com/mcp-resilience/holdfast/harness/workload"
	"github.com/mcp-resilience/holdfast/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a system under test of which everything is known: a linearizable
// store in this process that can be silenced, and that can be made to lie.
type store struct {
	mu        sync.Mutex
	registers map[string]string
	sets      map[string][]string
	silent    bool
	spans     []time.Time // begin and end of each silence
	forget    bool        // defect: acknowledge every tenth add and drop it
	adds      int
	deaf      topology.NodeID // readers through this node fail
}

func newStore() *store { return &store{registers: map[string]string{}, sets: map[string][]string{}} }

func (s *store) Name() string { return "store" }

func (s *store) Topology(topology.Shape) (topology.Topology, error) {
	t := clustertest.Topology(3)
	return t, nil
}

func (s *store) Resolve(context.Context, *cluster.Cluster, topology.Role) ([]topology.NodeID, error) {
	return nil, errors.New("a store has no roles")
}

func (s *store) Client(_ context.Context, _ *cluster.Cluster, _ topology.Region, _ int) (workload.Client, error) {
	return storeClient{s, ""}, nil
}

func (s *store) Reader(_ context.Context, _ *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	return storeClient{s, via}, nil
}

type storeClient struct {
	*store
	via topology.NodeID
}

func (c storeClient) Close() error { return nil }

func (c storeClient) Do(_ context.Context, op history.Op) history.Op {
	s := c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent || (c.via != "" && c.via == s.deaf) {
		op.Outcome, op.Error = history.Failed, "silent"
		return op
	}
	op.Outcome = history.OK
	switch op.Kind {
	case history.Read:
		op.Output = s.registers[op.Key]
	case history.Write:
		s.registers[op.Key] = op.Value
	case history.CAS:
		if op.Swapped = s.registers[op.Key] == op.Expect; op.Swapped {
			s.registers[op.Key] = op.Value
		}
	case history.Add:
		if s.adds++; !s.forget || s.adds%10 != 0 {
			s.sets[op.Key] = append(s.sets[op.Key], op.Value)
		}
	case history.Members:
		op.Set = slices.Clone(s.sets[op.Key])
	}
	return op
}

// silence is a fault of which the exact length is known.
type silence struct{ store *store }

func (f silence) Inject(context.Context, faults.Victims) (func(context.Context) error, error) {
	f.set(true)
	return func(context.Context) error { f.set(false); return nil }, nil
}

func (f silence) set(silent bool) {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.silent = silent
	f.store.spans = append(f.store.spans, time.Now())
}

func (f silence) Damage(faults.Victims) topology.Damage { return topology.Damage{} }
func (f silence) Says(faults.Victims) string            { return "silence" }

func (f silence) Felt(context.Context, faults.Victims) (string, error) {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if !f.store.silent {
		return "", errors.New("it answers")
	}
	return "no answer", nil
}

func (f silence) Gone(ctx context.Context, v faults.Victims) (string, error) {
	if _, err := f.Felt(ctx, v); err == nil {
		return "", errors.New("no answer")
	}
	return "it answers", nil
}

func (f silence) Spared(context.Context, faults.Victims) (string, error) {
	return "there is no neighbour", nil
}

// noop is silence that forgets to do it: the negative control of proofs.
type noop struct{ silence }

func (noop) Inject(context.Context, faults.Victims) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}

// plan silences the store for d.
func plan(t *testing.T, s *store, f faults.Fault, d time.Duration) scenarios.Plan {
	t.Helper()
	topo, err := s.Topology(topology.Shape{})
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.Plan{
		Scenario: "silence", Target: s.Name(), Topology: topo, Seed: 1,
		Load:     workload.Load{Reads: 200, Writes: 200}.Resolve(),
		Baseline: 2 * time.Second,
		Steps: []scenarios.Step{{
			ID: "1-silence", For: d, Fault: "silence", With: f, On: topology.Selector{All: true},
		}},
		Observe:    20 * time.Second,
		Objectives: record.Objectives{}.Resolve(),
		Expect:     record.Pass,
	}
}

func drill(t *testing.T, ctx context.Context, s *store, p scenarios.Plan) (*record.Run, string) {
	t.Helper()
	r, dir, err := harness.Run(ctx, p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return r, dir
}

func finding(r *record.Run, promise string) record.Finding {
	i := slices.IndexFunc(r.Judgement.Findings, func(f record.Finding) bool { return f.Promise == promise })
	if i < 0 {
		return record.Finding{Says: fmt.Sprintf("no finding on %s among %+v", promise, r.Judgement.Findings)}
	}
	return r.Judgement.Findings[i]
}

// TestKnownOutage: the measured RTO of an outage of known length is at most
// one bucket and 10 ms off.
func TestKnownOutage(t *testing.T) {
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := newStore()
			r, dir := drill(t, t.Context(), s, plan(t, s, silence{s}, d))
			if r.Judgement.Verdict != record.Pass {
				t.Fatalf("verdict %s, want pass: %+v", r.Judgement.Verdict, r.Judgement.Findings)
			}
			known := s.spans[1].Sub(s.spans[0])
			if off := r.Judgement.RTO.Worst - known; off < -10*time.Millisecond || off > r.Judgement.RTO.Resolution+10*time.Millisecond {
				t.Errorf("silent for %v, RTO %v ±%v", known, r.Judgement.RTO.Worst, r.Judgement.RTO.Resolution)
			}
			for _, file := range []string{"plan.json", "run.json", "events.jsonl", "history.jsonl.zst", "links.json", "verdict.json", "report.html", "junit.xml", "summary.md"} {
				if st, err := os.Stat(filepath.Join(dir, file)); err != nil || st.Size() == 0 {
					t.Errorf("%s is missing or empty: %v", file, err)
				}
			}
			again, err := harness.Rejudge(t.Context(), dir)
			if err != nil {
				t.Fatalf("rejudge: %v", err)
			}
			if again.Judgement.Verdict != r.Judgement.Verdict || again.Judgement.RTO.Worst != r.Judgement.RTO.Worst {
				t.Errorf("judged again: %s, RTO %v; was %s, %v", again.Judgement.Verdict, again.Judgement.RTO.Worst, r.Judgement.Verdict, r.Judgement.RTO.Worst)
			}
		})
	}
}

// TestRed: each way in which a run must not pass.
func TestRed(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*store, *scenarios.Plan)
		promise string
		want    record.Verdict
	}{
		{"a lying store", func(s *store, _ *scenarios.Plan) { s.forget = true }, "rpo", record.Fail},
		{"a node that cannot be read back", func(s *store, p *scenarios.Plan) { s.deaf = p.Topology.Nodes[1].ID }, "rpo", record.Unknown},
		{"an outage beyond the objective", func(s *store, p *scenarios.Plan) { p.Objectives.RTO = 500 * time.Millisecond }, "rto", record.Fail},
		{"a fault that does nothing", func(s *store, p *scenarios.Plan) { p.Steps[0].With = noop{silence{s}} }, "fault 1-silence", record.Vacuous},
		{"a service that stays away", func(s *store, p *scenarios.Plan) {
			p.Steps[0].With = forever{silence{s}}
			p.Observe = 7 * time.Second
		}, "rto", record.Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStore()
			p := plan(t, s, silence{s}, time.Second)
			tt.arrange(s, &p)
			r, _ := drill(t, t.Context(), s, p)
			if got := finding(r, tt.promise); got.Verdict != tt.want {
				t.Errorf("%s: %s (%s), want %s", tt.promise, got.Verdict, got.Says, tt.want)
			}
			if r.Judgement.Verdict == record.Pass {
				t.Error("the run passed")
			}
		})
	}
}

// forever is a silence whose heal does not help.
type forever struct{ silence }

func (f forever) Inject(ctx context.Context, v faults.Victims) (func(context.Context) error, error) {
	if _, err := f.silence.Inject(ctx, v); err != nil {
		return nil, err
	}
	return func(context.Context) error { return nil }, nil
}

// TestNoFaultTwin: without a fault nothing is out, and the proof of a fault is red.
func TestNoFaultTwin(t *testing.T) {
	t.Parallel()
	s := newStore()
	p := plan(t, s, noop{silence{s}}, time.Second)
	r, _ := drill(t, t.Context(), s, p)
	if r.Judgement.RTO.Worst != 0 {
		t.Errorf("RTO %v without a fault, want 0", r.Judgement.RTO.Worst)
	}
	if f := r.Faults[0]; f.Felt.Proved || f.Inject.Effective != record.Never {
		t.Errorf("a fault that was not injected is proved: %+v", f)
	}
}

// TestInterrupted: when the context ends, the fault is healed and the record
// kept; the verdict is unknown.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := newStore()
	p := plan(t, s, silence{s}, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir(), Watch: func(p harness.Progress) {
		if p.Event != nil && p.Event.Kind == "effective" {
			cancel()
		}
	}}
	r, dir, err := harness.Run(ctx, p, o)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if r.Judgement.Verdict != record.Unknown || r.Broken == "" {
		t.Errorf("verdict %s, broken %q; want unknown and a reason", r.Judgement.Verdict, r.Broken)
	}
	if s.silent || r.Faults[0].Heal.Confirmed == record.Never {
		t.Errorf("the fault was left: silent %v, %+v", s.silent, r.Faults[0].Heal)
	}
	if loaded, err := record.Load(dir); err != nil || loaded.Broken == "" {
		t.Errorf("stored record: %v, %+v", err, loaded)
	}
}

// TestEnvironment: a node that does not start is an error, not a verdict.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := newStore()
	kind := clustertest.Fake(nil)
	kind.Open = func(context.Context, cluster.Spec) (cluster.Runtime, error) { return nil, errors.New("no engine") }
	_, dir, err := harness.Run(t.Context(), plan(t, s, silence{s}, time.Second), harness.Options{Target: s, Runtime: kind, Root: t.TempDir()})
	if err == nil {
		t.Fatal("ran without an engine")
	}
	loaded, lerr := record.Load(dir)
	if lerr != nil || loaded.Broken == "" {
		t.Errorf("stored record: %v, %+v", lerr, loaded)
	}
}
