package harness_test

import (
	"context"
	"fmt"
	"slices"
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
	"github.com/mcp-resilience/holdfast/topology"
)

// crash is a kill that the engine knows nothing of: to it the node exits by
// itself. It lasts long enough to be seen, that many times over.
type crash struct {
	faults.Kill
	times int
}

func (c *crash) Prepare(v faults.Victims) faults.Injection {
	return &crashing{c.Kill.Prepare(v), v.Cluster.Process(v.Nodes[0].ID), c.times}
}

type crashing struct {
	faults.Injection
	process cluster.Process
	times   int
}

func (c *crashing) Inject(ctx context.Context) error {
	for i := range c.times {
		if i > 0 {
			if err := c.process.Restart(ctx); err != nil {
				return err
			}
		}
		if err := c.process.Signal(ctx, cluster.Kill); err != nil {
			return err
		}
		if _, err := cluster.Await(ctx, c.process, cluster.Exited); err != nil {
			return err
		}
		time.Sleep(time.Second) // the engine looks four times in it
	}
	return nil
}

func (c *crashing) Heal(ctx context.Context) error { return c.process.Restart(ctx) }

// starving is a runtime whose nodes, when they end, say that it was for their memory.
func starving() cluster.Driver {
	k := clustertest.Fake(nil)
	open := k.Open
	k.Open = func(ctx context.Context, s cluster.Spec) (cluster.Runtime, error) {
		rt, err := open(ctx, s)
		return starved{rt}, err
	}
	return k
}

type starved struct{ cluster.Runtime }

func (s starved) Start(ctx context.Context, n topology.Node) (cluster.Process, error) {
	p, err := s.Runtime.Start(ctx, n)
	return hungry{p}, err
}

type hungry struct{ cluster.Process }

func (h hungry) Status(ctx context.Context) (cluster.ProcessStatus, error) {
	s, err := h.Process.Status(ctx)
	s.OOMKilled = s.State == cluster.Exited
	return s, err
}

func TestANodeThatExitsByItselfIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   faults.Fault
		runtime cluster.Driver
		emitted []string
		want    record.Verdict
	}{
		{"killed by a fault", &faults.Kill{}, clustertest.Fake(nil), nil, record.Pass},
		{"once", &crash{times: 1}, clustertest.Fake(nil), []string{"crashed east-1 exited by itself with status -1"}, record.Fail},
		{"in two lives", &crash{times: 2}, clustertest.Fake(nil), []string{
			"crashed east-1 exited by itself with status -1", "crashed east-1 exited by itself with status -1",
		}, record.Fail},
		{"for its memory", &crash{times: 1}, starving(), []string{"out of memory east-1 was killed for its memory"}, record.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			p := harnesstest.Plan(s, tt.fault, 1500*time.Millisecond)
			p.Steps[0].On = topology.Selector{Region: "east"}
			r, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: tt.runtime, Root: t.TempDir()})
			if err != nil {
				t.Fatalf("run: %v", err)
			}
			var emitted []string
			for _, e := range r.Events {
				if e.Kind == record.EventCrashed || e.Kind == record.EventOutOfMemory {
					emitted = append(emitted, fmt.Sprintf("%s %s %s", e.Kind, e.Node, e.Description))
				}
			}
			if diff := cmp.Diff(tt.emitted, emitted); diff != "" {
				t.Errorf("emitted (-want +got):\n%s", diff)
			}
			if !slices.ContainsFunc(r.Machine, func(m record.MachineSample) bool { return len(m.Sandboxes) == len(r.Topology.Nodes) }) {
				t.Error("no sample of the machine has the processor time of every sandbox")
			}
			if got := finding(r, "node crashes"); got.Verdict != tt.want {
				t.Errorf("nodes: %s (%s), want %s", got.Verdict, got.Description, tt.want)
			}
		})
	}
}

// TestASandboxThatFailsMakesTheRunUnknown: what it did to clients is not the system's doing. It is made again,
// so that the run goes on.
func TestASandboxThatFailsMakesTheRunUnknown(t *testing.T) {
	t.Parallel()
	s := startSession(t, t.Context(), config(t, harnesstest.NewStore()))
	if err := s.Cluster().Sandbox("north-1").Signal(t.Context(), cluster.Kill); err != nil {
		t.Fatal(err)
	}
	if err := s.Baseline(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := finish(t, s)
	got := finding(r.Run, "run")
	if r.Result.Verdict != record.Unknown || got.Verdict != record.Unknown || !strings.Contains(got.Description, "the sandbox of north-1") {
		t.Errorf("verdict %s, run: %+v; want unknown, naming the sandbox", r.Result.Verdict, got)
	}
	i := slices.IndexFunc(r.Run.Events, func(e record.Event) bool { return e.Kind == record.EventSandboxRestored })
	if i < 0 || r.Run.Events[i].Node != "north-1" {
		t.Error("no event says that the sandbox of north-1 was made again")
	}
}
