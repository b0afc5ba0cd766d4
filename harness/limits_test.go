package harness_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

func noticed(r *record.Run, text string) bool {
	return slices.ContainsFunc(r.Events, func(e record.Event) bool {
		return e.Kind == record.EventNotice && strings.Contains(e.Description, text)
	})
}

// TestABlockedWatcherDelaysNothing: the function that watches never returns from its first
// call, and the fault is injected and healed on time all the same.
func TestABlockedWatcherDelaysNothing(t *testing.T) {
	t.Parallel()
	s := harnesstest.NewStore()
	release := make(chan struct{})
	defer close(release)
	r, _, err := harness.Run(t.Context(), harnesstest.Plan(s, harnesstest.Outage{Store: s}, time.Second), harness.Options{
		Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir(), Watch: func(harness.Progress) { <-release },
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.OutageLength(); d < time.Second || d > 1500*time.Millisecond {
		t.Errorf("the fault lasted %v, want 1s", d)
	}
	if !noticed(r, "the function that watches this run has not returned") {
		t.Errorf("no notice of the watcher among %+v", r.Events)
	}
}

// unresponsiveStore is a store whose source of events and whose client do not return when
// their context ends.
type unresponsiveStore struct {
	*harnesstest.Store
	release chan struct{}
}

func (d unresponsiveStore) StreamEvents(context.Context, *cluster.Cluster, func(time.Time, record.Event)) {
	<-d.release
}

func (d unresponsiveStore) Client(ctx context.Context, c *cluster.Cluster, from topology.Region, id int) (workload.Client, error) {
	client, err := d.Store.Client(ctx, c, from, id)
	return deafClient{client, d.release}, err
}

type deafClient struct {
	workload.Client
	release chan struct{}
}

func (d deafClient) Close() error { <-d.release; return nil }

// TestATargetThatDoesNotReturnIsLeftBehind: the run ends, and names what did not.
func TestATargetThatDoesNotReturnIsLeftBehind(t *testing.T) {
	t.Parallel()
	d := unresponsiveStore{harnesstest.NewStore(), make(chan struct{})}
	defer close(d.release)
	r, _, err := harness.Run(t.Context(), harnesstest.Plan(d.Store, harnesstest.Outage{Store: d.Store}, 100*time.Millisecond), harness.Options{
		Target: d, Runtime: clustertest.Fake(nil), Root: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"the target's source of events did not return", "the clients could not be closed"} {
		if !noticed(r, text) {
			t.Errorf("no notice %q among %+v", text, r.Events)
		}
	}
	if r.Result.Verdict != record.Pass {
		t.Errorf("verdict %s, want pass", r.Result.Verdict)
	}
}

// slowOutage is an outage whose injection takes longer than it is to last, and
// whose proof does too.
type slowOutage struct {
	harnesstest.Outage
	injecting, proving time.Duration
}

func (s slowOutage) Prepare(v faults.Victims) faults.Injection {
	return slowInjection{s.Outage.Prepare(v), s.injecting, s.proving}
}

type slowInjection struct {
	faults.Injection
	injecting, proving time.Duration
}

func (s slowInjection) Inject(ctx context.Context) error {
	time.Sleep(s.injecting)
	return s.Injection.Inject(ctx)
}

func (s slowInjection) Active(ctx context.Context) (string, error) {
	select {
	case <-time.After(s.proving):
		return s.Injection.Active(ctx)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (s slowInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	select {
	case <-time.After(s.proving):
		return s.Injection.ControlUnaffected(ctx, others)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestAFaultLastsAsLongAsAsked, counted from when it is in force; and one whose
// proof takes longer lasts until that is in, which is on record.
func TestAFaultLastsAsLongAsAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		injecting, proving time.Duration
		least              time.Duration
		extended           bool
	}{
		"a slow injection": {1500 * time.Millisecond, 0, time.Second, false},
		"a slow proof":     {0, 1500 * time.Millisecond, 1400 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			r, _ := drill(t, t.Context(), s, harnesstest.Plan(s, slowOutage{harnesstest.Outage{Store: s}, tt.injecting, tt.proving}, time.Second))
			if d := s.OutageLength(); d < tt.least || d > tt.least+700*time.Millisecond {
				t.Errorf("the fault lasted %v, want %v", d, tt.least)
			}
			extended := slices.ContainsFunc(r.Events, func(e record.Event) bool { return e.Kind == record.EventExtended })
			if got := finding(r, "fault 1-outage"); got.Verdict != record.Pass || extended != tt.extended {
				t.Errorf("fault: %+v, extended on record: %v, want pass and %v", got, extended, tt.extended)
			}
		})
	}
}

// TestACutOfOneSecondIsJudged: its proofs fit into it.
func TestACutOfOneSecondIsJudged(t *testing.T) {
	if !linkFaults {
		t.Skip("the fault is one of links")
	}
	t.Parallel()
	s := harnesstest.NewStore()
	p := harnesstest.Plan(s, &faults.Partition{}, time.Second)
	p.Steps[0].Fault, p.Steps[0].On, p.Steps[0].To = "partition", topology.Selector{Region: "east"}, topology.Selector{Region: "north"}
	r, _ := drill(t, t.Context(), s, p)
	if f := r.Faults[0]; !f.Active.Proved || !f.ControlUnaffected.Proved || !f.Cleared.Proved {
		t.Errorf("fault of 1 s: %+v", f)
	}
}
