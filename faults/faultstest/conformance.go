package faultstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

var (
	east  = topology.Selector{Region: "east"}
	north = topology.Selector{Region: "north"}
)

// example is a fault with settings that are soon felt, and its victims.
type example struct {
	name   string
	fault  faults.Fault
	on, to topology.Selector
	saw    string // what the proof must mention
}

// examples has every fault of the catalogue, each mode and direction once.
func examples() []example {
	const delay = 150 * time.Millisecond
	return []example{
		{"latency", &faults.Latency{Delay: delay, Jitter: 30 * time.Millisecond}, east, topology.Selector{}, "baseline 10ms"},
		{"latency to clients, one way", &faults.Latency{Delay: delay, Direction: faults.To, Clients: true}, east, topology.Selector{}, "round trip"},
		{"bandwidth", &faults.Bandwidth{Rate: 64_000}, east, north, "25600 bytes"},
		{"partition hold", &faults.Partition{}, east, north, "timeout"},
		{"partition blackhole, one way", &faults.Partition{Mode: links.Blackhole, Direction: faults.To}, east, north, "timeout"},
		{"partition refuse", &faults.Partition{Mode: links.Refuse, Direction: faults.From}, east, topology.Selector{}, "refused"},
		{"partition reset", &faults.Partition{Mode: links.Reset, Clients: true}, east, north, "reset"},
		{"isolate", &faults.Isolate{}, east, topology.Selector{}, "timeout"},
		{"isolate with clients", &faults.Isolate{Clients: true, Mode: links.Refuse}, topology.Selector{All: true}, topology.Selector{}, "refused"},
		{"kill", &faults.Kill{}, east, topology.Selector{}, "east-1 is exited (code -1)"},
		{"pause", &faults.Pause{}, east, topology.Selector{}, "east-1 is paused"},
		{"restart", &faults.Restart{}, east, topology.Selector{}, "east-1 is exited (code 0)"},
		{"replace", &faults.Replace{}, east, topology.Selector{}, "east-1 is exited (code -1), empty and no member"},
		{"wipe", &faults.Wipe{}, east, topology.Selector{}, "east-1 is exited (code -1), empty"},
		{"corrupt torn", &faults.Corrupt{Kind: "torn", Files: "lives"}, east, topology.Selector{}, "its lives is torn off from byte 0 of 1 on"},
		{"corrupt flip", &faults.Corrupt{Kind: "flip", Files: "liv*"}, east, topology.Selector{}, "its lives is bit "},
		{"throttle", &faults.Throttle{CPU: 0.05}, east, topology.Selector{}, "of a CPU (limit 0.05, by"},
	}
}

// Conformance takes every fault through its life on a runtime. It mostly
// waits, so runtimes may have it in parallel.
func Conformance(t *testing.T, k cluster.Driver) {
	c := start(t, k)
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			serving(t, c)
			possible(t, c, e)
			saw, err := cycle(t.Context(), e.fault, e.victims(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(saw, e.saw) {
				t.Errorf("the proof saw %q, want %q in it", saw, e.saw)
			}
		})
	}
	t.Run("every fault is here", func(t *testing.T) { complete(t) })
	t.Run("not injected is not felt", func(t *testing.T) { red(t, c, func(f faults.Fault) liar { return noInjection{f} }) })
	t.Run("not healed is not gone", func(t *testing.T) {
		var undo func(context.Context) error
		red(t, c, func(f faults.Fault) liar { return noHeal{f, &undo} }, func() error {
			if undo == nil {
				return nil // it was not even injected
			}
			return undo(t.Context())
		})
	})
	t.Run("done to all spares nobody", func(t *testing.T) { red(t, c, func(f faults.Fault) liar { return tooMuch{f} }) })
	t.Run("overlaps", func(t *testing.T) { overlaps(t, c) })
	t.Run("half an injection is undone", func(t *testing.T) { half(t, c) })
	t.Run("who is content feels no throttle", func(t *testing.T) { content(t, c) })
	t.Run("who crashed stays down", func(t *testing.T) { crashed(t, c) })
	t.Run("nothing is injected with a dead context", func(t *testing.T) { dead(t, c) })
}

// start starts three testnodes in three regions.
func start(t *testing.T, k cluster.Driver) *cluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	programs := build.Builder(k.OS)
	linkd, err := programs.Linkd(ctx)
	if err != nil {
		t.Fatal(err)
	}
	top := clustertest.Topology(1)
	spec := cluster.Spec{
		Run: fmt.Sprintf("faults-%d", time.Now().UnixNano()), Topology: top, Dir: t.TempDir(),
		Binary: programs.Build, Linkd: linkd, CleanupLog: forgetful{},
	}
	rt, err := k.Open(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(ctx, rt, spec, func(n string) { t.Log("notice:", n) })
	if err != nil {
		t.Fatal(err)
	}
	c.MembershipAdmin = &roster{out: map[topology.NodeID]bool{}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// forgetful is the journal of tests that clean up themselves.
type forgetful struct{}

func (forgetful) Append(cluster.CleanupEntry) error { return nil }

var steps atomic.Uint64 // so far; makes victims' IDs unique

func (e example) victims(t *testing.T, c *cluster.Cluster) faults.Victims {
	t.Helper()
	step := steps.Add(1)
	v := faults.Victims{
		Cluster: c, ID: fmt.Sprintf("%d-test", step), Seed: step,
		Nodes: c.Topology.Select(e.on), To: c.Topology.Select(e.to),
	}
	if len(v.Nodes) == 0 {
		t.Fatalf("%+v matches nobody", e.on)
	}
	switch e.fault.(type) {
	case *faults.Throttle:
		serving(t, c)
		stir(t, v)
	case *faults.Corrupt: // of one that has only just been started there may be nothing to damage
		serving(t, c)
	}
	return v
}

// serving waits until every node answers: one that has only just been started
// would take a graceful stop for a crash.
func serving(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, n := range c.Topology.Nodes {
		if _, err := eventually(t.Context(), soon, faults.Victims{Cluster: c}, func(ctx context.Context, _ faults.Victims) (string, error) {
			return ask(ctx, c, n, "who")
		}); err != nil {
			t.Fatalf("%s does not answer: %v", n.ID, err)
		}
	}
}

func complete(t *testing.T) {
	for _, entry := range faults.Catalogue() {
		have := false
		for _, e := range examples() {
			have = have || fmt.Sprintf("%T", e.fault) == fmt.Sprintf("%T", entry.New())
		}
		if !have {
			t.Errorf("%s has no example", entry.Name)
		}
	}
}

// red wants every fault, changed into a liar, to be found out. Tidy runs after each.
func red(t *testing.T, c *cluster.Cluster, lie func(faults.Fault) liar, tidy ...func() error) {
	seen := map[string]bool{} // one example of a kind is enough
	for _, e := range examples() {
		kind := fmt.Sprintf("%T", e.fault)
		if seen[kind] || e.on.All {
			continue
		}
		seen[kind] = true
		t.Run(e.name, func(t *testing.T) {
			possible(t, c, e)
			v := e.victims(t, c)
			l := lie(e.fault)
			_, err := cycle(t.Context(), l, v)
			for _, f := range tidy {
				if terr := f(); terr != nil {
					t.Fatal(terr)
				}
			}
			healthy(t, e.fault, v)
			var s stage
			if !errors.As(err, &s) || s.name != l.fails() {
				t.Errorf("went wrong at %v, want %q", err, l.fails())
			}
		})
	}
}

// healthy waits until the victims feel nothing.
func healthy(t *testing.T, f faults.Fault, v faults.Victims) {
	t.Helper()
	if _, err := eventually(t.Context(), soon, v, f.Cleared); err != nil {
		t.Fatalf("not healthy again: %v", err)
	}
}
