package harness_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// config is a session on a store in which east-1 leads.
func config(t *testing.T, s *harnesstest.Store) harness.Config {
	s.Leads = "east-1"
	return harness.Config{
		Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir(), Name: t.Name(), Seed: 7,
		Load: workload.Load{Reads: 100, Writes: 100}, Baseline: 2 * time.Second,
	}
}

func startSession(t *testing.T, ctx context.Context, c harness.Config) *harness.Session {
	t.Helper()
	s, err := harness.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func inject(t *testing.T, s *harness.Session, f faults.Fault, on topology.Selector, to ...topology.Selector) *harness.Injection {
	t.Helper()
	i, err := s.Inject(t.Context(), f, on, to...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func heal(t *testing.T, i *harness.Injection) {
	t.Helper()
	if err := i.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, s *harness.Session) *harness.Result {
	t.Helper()
	r, err := s.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSessionIsReplayed: code kills the leader, and cuts a link while another is
// slow; the plan that is recorded does the same to the same nodes, whoever leads then.
func TestSessionIsReplayed(t *testing.T) {
	t.Parallel()
	store := harnesstest.NewStore()
	s := startSession(t, t.Context(), config(t, store))
	leader, err := s.Leader(t.Context())
	if err != nil || leader != "east-1" {
		t.Fatalf("leader %s, %v; want east-1", leader, err)
	}
	kill := inject(t, s, &faults.Kill{}, topology.Selector{Role: topology.Leader})
	nodes, err := s.Nodes(t.Context())
	want := map[topology.NodeID]cluster.ProcessState{"east-1": cluster.Exited, "north-1": cluster.Running, "south-1": cluster.Running}
	if diff := cmp.Diff(want, nodes); diff != "" || err != nil {
		t.Errorf("nodes while the leader is killed: %v (-want +got):\n%s", err, diff)
	}
	heal(t, kill)
	if linkFaults {
		cut := inject(t, s, &faults.Partition{}, topology.Selector{Region: "north"}, topology.Selector{Region: "south"})
		slow := inject(t, s, &faults.Latency{Delay: 50 * time.Millisecond}, topology.Selector{Role: topology.Leader}, topology.Selector{Region: "south"})
		heal(t, cut)
		heal(t, slow)
	}
	// What was good before the heal says nothing of now.
	if got := s.Goodput(); got != 0 {
		t.Errorf("goodput %v at once after a heal, want 0 until there is something to count", got)
	}
	for end := time.Now().Add(5 * time.Second); s.Goodput() < 0.99 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if got := s.Goodput(); got < 0.99 {
		t.Errorf("goodput %v of a store that answers, want 1", got)
	}
	if got := s.Acknowledged(); got < 100 {
		t.Errorf("%d writes acknowledged in more than 2 s of 300 a second", got)
	}
	r := finish(t, s)
	if r.Result.Verdict != record.Pass {
		t.Errorf("verdict %s: %+v", r.Result.Verdict, r.Result.Findings)
	}

	var plan scenarios.Plan
	if err := json.Unmarshal(r.Plan, &plan); err != nil {
		t.Fatal(err)
	}
	again := harnesstest.NewStore()
	again.Leads = "south-1"
	replayed, _, err := harness.Run(t.Context(), plan, harness.Options{Target: again, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	type done struct {
		ID, Description string
		Nodes           []topology.NodeID
		Links           int
	}
	did := func(r *record.Run) (out []done) {
		for _, f := range r.Faults {
			out = append(out, done{f.ID, f.Description, f.Nodes, len(f.Flows)})
		}
		return out
	}
	if diff := cmp.Diff(did(r.Run), did(replayed)); diff != "" {
		t.Errorf("faults of the replay (-code +replay):\n%s", diff)
	}
	for i, f := range r.Faults {
		g := replayed.Faults[i]
		then, now := f.Heal.Requested-f.Inject.Confirmed, g.Heal.Requested-g.Inject.Confirmed
		if off := (now - then).Abs(); off > 500*time.Millisecond {
			t.Errorf("%s lasted %v in the session and %v in the replay", f.ID, then, now)
		}
	}
	if len(replayed.Faults) != len(plan.Steps) || replayed.Seed != r.Seed || replayed.Result.Verdict != record.Pass {
		t.Errorf("replay: %d faults, seed %d, verdict %s", len(replayed.Faults), replayed.Seed, replayed.Result.Verdict)
	}
}

// TestInjectReturnsWhatWasObservedInstead: a fault that does nothing is healed,
// and the run goes on.
func TestInjectReturnsWhatWasObservedInstead(t *testing.T) {
	t.Parallel()
	store := harnesstest.NewStore()
	s := startSession(t, t.Context(), config(t, store))
	_, err := s.Inject(t.Context(), noop{harnesstest.Outage{Store: store}}, topology.Selector{All: true})
	// How long it waits depends on how busy the machine is.
	if err == nil || !strings.Contains(err.Error(), "is not proved active: not within ") || !strings.HasSuffix(err.Error(), ": it answers") {
		t.Errorf("error %v, want what was observed", err)
	}
	heal(t, inject(t, s, harnesstest.Outage{Store: store}, topology.Selector{All: true}))
	r := finish(t, s)
	if got := finding(r.Run, "fault 1-noop"); got.Verdict != record.Vacuous {
		t.Errorf("fault that did nothing: %+v", got)
	}
	if got := finding(r.Run, "fault 2-outage"); got.Verdict != record.Pass {
		t.Errorf("fault after it: %+v", got)
	}
}

// TestInjectRefuses what it cannot do, before anything is injected.
func TestInjectRefuses(t *testing.T) {
	t.Parallel()
	s := startSession(t, t.Context(), config(t, harnesstest.NewStore()))
	east := topology.Selector{Region: "east"}
	for name, tt := range map[string]struct {
		fault faults.Fault
		on    topology.Selector
		to    []topology.Selector
		want  string
	}{
		"no fault":           {nil, east, nil, "no fault is given"},
		"an empty selector":  {&faults.Kill{}, topology.Selector{}, nil, "the selector is empty"},
		"two other sides":    {&faults.Partition{}, east, []topology.Selector{east, east}, "at most one is allowed"},
		"a bad setting":      {&faults.Partition{Mode: "cut"}, east, nil, "mode"},
		"what cannot be":     {&faults.Throttle{CPU: 0.1}, east, nil, "use of the processor"},
		"nobody to match":    {&faults.Kill{}, topology.Selector{Region: "west"}, nil, "matches no node"},
		"a typed nil":        {(*faults.Kill)(nil), east, nil, "no fault is given"},
		"a role nobody has ": {&faults.Kill{}, topology.Selector{Role: topology.StreamLeader, Region: "east"}, nil, "matches no node"},
	} {
		if _, err := s.Inject(t.Context(), tt.fault, tt.on, tt.to...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Inject(t.Context(), &faults.Kill{}, east); err == nil {
		t.Error("a closed session injects")
	}
}

// TestSessionEndsWithItsContext: the fault is healed, the record is kept, and
// the verdict is unknown; so it is when the session is closed.
func TestSessionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(*harness.Session, context.CancelFunc)
		want string
	}{
		"context ended": {func(_ *harness.Session, cancel context.CancelFunc) { cancel() }, "interrupted"},
		"closed":        {func(s *harness.Session, _ context.CancelFunc) { _ = s.Close() }, "closed before it was finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := harnesstest.NewStore()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := startSession(t, ctx, config(t, store))
			inject(t, s, harnesstest.Outage{Store: store}, topology.Selector{All: true})
			tt.end(s, cancel)
			r, err := s.Finish(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Result.Verdict != record.Unknown || !strings.Contains(r.AbortReason, tt.want) {
				t.Errorf("verdict %s, reason %q; want unknown and %q", r.Result.Verdict, r.AbortReason, tt.want)
			}
			if store.Down() || r.Faults[0].Heal.Confirmed == record.NotReached {
				t.Errorf("the fault was not healed: %+v", r.Faults[0].Heal)
			}
			if loaded, err := record.Load(s.Dir()); err != nil || loaded.AbortReason == "" || len(loaded.Partial) > 0 {
				t.Errorf("stored record: %v, %+v", err, loaded)
			}
		})
	}
}

// TestFinishHealsWhatIsLeft, and a second call returns the same.
func TestFinishHealsWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := startSession(t, t.Context(), config(t, harnesstest.NewStore()))
	inject(t, s, &faults.Kill{}, topology.Selector{Region: "south"})
	r := finish(t, s)
	if f := r.Faults[0]; !f.Cleared.Proved || r.Result.Verdict != record.Pass {
		t.Errorf("verdict %s, fault %+v", r.Result.Verdict, f)
	}
	if again := finish(t, s); again != r {
		t.Errorf("a second Finish returns another result")
	}
}

// TestStartSaysWhatIsMissing before anything is made.
func TestStartSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := config(t, harnesstest.NewStore())
	for name, spoil := range map[string]func(*harness.Config){
		"no Target":  func(c *harness.Config) { c.Target = nil },
		"no Runtime": func(c *harness.Config) { c.Runtime = cluster.Driver{} },
		"no engine": func(c *harness.Config) {
			c.Runtime.Open = func(context.Context, cluster.Spec) (cluster.Runtime, error) { return nil, errors.New("no engine") }
		},
	} {
		c := good
		spoil(&c)
		if _, err := harness.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}
