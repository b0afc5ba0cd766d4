package faultstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// example is a fault with settings whose effect soon shows, and its victims.
type example struct {
	name     string
	fault    faults.Fault
	on, to   topology.Selector
	observed string // what the proof must mention
}

// examples has every fault of the catalogue, each mode and direction once.
func examples() []example {
	const delay = 150 * time.Millisecond
	return []example{
		{"latency", &faults.Latency{Delay: delay, Jitter: 30 * time.Millisecond}, east, topology.Selector{}, "baseline 10ms"},
		{"latency that grows", faults.Ramp{Fault: &faults.Latency{Delay: delay}, Over: time.Second}, east, topology.Selector{}, "baseline 10ms"},
		{"latency to clients, one way", &faults.Latency{Delay: delay, Direction: faults.To, Clients: true}, east, topology.Selector{}, "round trip"},
		{"bandwidth", &faults.Bandwidth{Rate: 64_000}, east, north, "25600 bytes"},
		{"latency, pareto", &faults.Latency{Delay: delay, Jitter: 30 * time.Millisecond, Distribution: links.Pareto}, east, north, "round trip"},
		{"latency of clients alone, normal", &faults.Latency{Delay: delay, Jitter: 30 * time.Millisecond, Distribution: links.Normal, ClientsOnly: true}, east, topology.Selector{}, "clients.east"},
		{"loss", &faults.Loss{Percent: 20}, east, north, "stalled (a retransmission takes 200ms)"},
		{"loss of clients alone, one way", &faults.Loss{Percent: 20, Direction: faults.To, ClientsOnly: true}, east, north, "clients.east→north-1 stalled"},
		{"slice", &faults.Slice{Size: 20, Delay: 10 * time.Millisecond}, east, north, "820 bytes"},
		{"slow close", &faults.SlowClose{Delay: 400 * time.Millisecond}, east, north, "closing a connection"},
		{"slow close of clients alone, one way", &faults.SlowClose{Delay: 400 * time.Millisecond, ClientsOnly: true, Direction: faults.To}, east, topology.Selector{}, "closing a connection over clients.east"},
		{"flap", &faults.Flap{Down: 200 * time.Millisecond, Up: 200 * time.Millisecond}, east, north, "cut and mended in turn"},
		{"flap reset", &faults.Flap{Down: 200 * time.Millisecond, Up: 200 * time.Millisecond, Mode: links.Reset, ClientsOnly: true}, east, east, "cut and mended in turn: clients.east→east-1"},
		{"stall", &faults.Stall{After: 100}, east, north, "of 200 not all: timeout"},
		{"stall of clients alone, one way", &faults.Stall{After: 100, ClientsOnly: true, Direction: faults.From}, east, topology.Selector{}, "of 200 not all: timeout"},
		{"reset after", &faults.ResetAfter{After: 1000}, east, north, "of 2000 not all: reset"},
		{"reset after, of clients alone, one way", &faults.ResetAfter{After: 1000, ClientsOnly: true, Direction: faults.To}, east, topology.Selector{}, "of 2000 not all: "},
		{"thundering herd", &faults.ThunderingHerd{}, east, topology.Selector{}, "3 of 3 links had a connection open, which was reset"},
		{"partition of clients alone", &faults.Partition{ClientsOnly: true}, east, east, "clients.east→east-1: timeout"},
		{"partition hold", &faults.Partition{}, east, north, "timeout"},
		{"partition blackhole, one way", &faults.Partition{Mode: links.Blackhole, Direction: faults.To}, east, north, "timeout"},
		{"partition refuse", &faults.Partition{Mode: links.Refuse, Direction: faults.From}, east, topology.Selector{}, "refused"},
		{"partition reset", &faults.Partition{Mode: links.Reset, Clients: true}, east, north, "reset"},
		{"isolate", &faults.Isolate{}, east, topology.Selector{}, "timeout"},
		{"isolate with clients", &faults.Isolate{Clients: true, Mode: links.Refuse}, topology.Selector{All: true}, topology.Selector{}, "refused"},
		{"kill", &faults.Kill{}, east, topology.Selector{}, "east-1 is exited (code -1)"},
		{"pause", &faults.Pause{}, east, topology.Selector{}, "east-1 is paused"},
		{"signal", &faults.Signal{Signal: "SIGQUIT"}, east, topology.Selector{}, "east-1 is exited (code 2)"},
		{"crash loop", &faults.CrashLoop{Up: 300 * time.Millisecond}, east, topology.Selector{}, "east-1 was started again"},
		{"restart", &faults.Restart{}, east, topology.Selector{}, "east-1 is exited (code 0)"},
		{"replace", &faults.Replace{}, east, topology.Selector{}, "east-1 is exited (code -1), empty and no member"},
		{"wipe", &faults.Wipe{}, east, topology.Selector{}, "east-1 is exited (code -1), empty"},
		{"corrupt torn", &faults.Corrupt{Kind: "torn", Files: "lives"}, east, topology.Selector{}, "its lives is torn off from byte 0 of 1 on"},
		{"corrupt flip", &faults.Corrupt{Kind: "flip", Files: "liv*"}, east, topology.Selector{}, "its lives is bit "},
		{"slow disk", &faults.SlowDisk{Delay: 30 * time.Millisecond}, east, topology.Selector{}, "reads, writes and syncs delayed by 30ms of east-1"},
		{"disk full", &faults.DiskFull{}, east, topology.Selector{}, "writes refused for want of space of east-1"},
		{"disk errors", &faults.DiskErrors{Percent: 50}, east, topology.Selector{}, "reads, writes and syncs failed of east-1"},
		{"power loss", &faults.PowerLoss{}, east, topology.Selector{}, "east-1 is exited (code -1); writes lost because they were not synced: "},
		{"memory", &faults.Memory{Headroom: 8_000_000}, east, topology.Selector{}, "memory"},
		{"throttle", &faults.Throttle{CPU: 0.05}, east, topology.Selector{}, "of a CPU (limit 0.05, by"},
	}
}

// Conformance holds every fault to its promises on a runtime, and every proof to finding
// a fault that breaks them. It mostly waits, so several runtimes can be tested in parallel.
func Conformance(t *testing.T, k cluster.Driver) {
	Promises(t, k)
	Proofs(t, k)
}

// ConformanceBeyond is Conformance without what other runtimes have tested: the proofs of faults that they can do
// as well, and whether such a fault keeps anything of a run in its settings. Neither knows anything of the runtime.
func ConformanceBeyond(t *testing.T, k cluster.Driver, others ...cluster.Driver) {
	var tested []*cluster.Cluster
	for _, other := range others {
		tested = append(tested, start(t, other))
	}
	untested := func(e example) bool {
		return !slices.ContainsFunc(tested, func(c *cluster.Cluster) bool { return e.unsupported(c) == nil })
	}
	c := start(t, k)
	promises(t, k, c, untested)
	proofs(t, c, untested)
}

func all(example) bool { return true }

// Promises is the half of Conformance that holds every fault to its promises.
func Promises(t *testing.T, k cluster.Driver) { promises(t, k, start(t, k), all) }

// Proofs is the other half, that of the proofs.
func Proofs(t *testing.T, k cluster.Driver) { proofs(t, start(t, k), all) }

// proofs wants each defect of the chosen faults to be found out.
func proofs(t *testing.T, c *cluster.Cluster, of func(example) bool) {
	t.Run("not injected is not active", func(t *testing.T) {
		findsDefect(t, c, of, func(f faults.Fault) defect { return noInjection{f} })
	})
	t.Run("not healed is not cleared", func(t *testing.T) {
		var leftover func(context.Context) error
		findsDefect(t, c, of, func(f faults.Fault) defect { return noHeal{f, &leftover} }, func() error { return leftover(t.Context()) })
	})
	t.Run("injected into all leaves no control", func(t *testing.T) {
		findsDefect(t, c, of, func(f faults.Fault) defect { return tooMuch{f} })
	})
}

func promises(t *testing.T, k cluster.Driver, c *cluster.Cluster, shared func(example) bool) {
	t.Helper()
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			awaitServing(t, c)
			skipUnsupported(t, c, e)
			observed, err := lifecycle(t.Context(), e.fault, e.victims(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(observed, e.observed) {
				t.Errorf("the proof observed %q, want %q in it", observed, e.observed)
			}
		})
	}
	t.Run("every fault has an example", everyFaultHasExample)
	t.Run("the catalogue knows what the runtime can do", func(t *testing.T) { supportIsAsListed(t, k, c) })
	t.Run("one value in two clusters", func(t *testing.T) { sharedSettings(t, c, start(t, k), shared) })
	t.Run("overlaps", func(t *testing.T) { overlaps(t, c) })
	t.Run("partial injection is undone", func(t *testing.T) { partialInjection(t, c) })
	t.Run("an idle node is not throttled", func(t *testing.T) { idleThrottle(t, c) })
	t.Run("a disk that is not used", func(t *testing.T) { unusedDisk(t, c) })
	t.Run("power loss takes what was not synced", func(t *testing.T) { powerLossTakesUnsynced(t, c) })
	t.Run("a content node lacks no memory", func(t *testing.T) { contentWithMemory(t, c) })
	t.Run("a signal that is ignored", func(t *testing.T) { ignoredSignal(t, c) })
	t.Run("a node that crashed is not started", func(t *testing.T) { crashDuringFault(t, c) })
	t.Run("cancelled context", func(t *testing.T) { cancelledContext(t, c) })
}

// start starts three testnodes in three regions.
func start(t testing.TB, k cluster.Driver) *cluster.Cluster {
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
		Binary: programs.Build, Linkd: linkd, CleanupLog: discard{}, FailingDisks: true,
	}
	rt, err := k.Open(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(ctx, rt, spec, func(n string) { t.Log("notice:", n) })
	if err != nil {
		t.Fatal(err)
	}
	c.MembershipAdmin = &members{removed: map[topology.NodeID]bool{}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// discard is the clean-up log of tests that clean up themselves.
type discard struct{}

func (discard) Append(cluster.CleanupEntry) error { return nil }

var steps atomic.Uint64 // so far; makes victims' IDs unique

func (e example) victims(t testing.TB, c *cluster.Cluster) faults.Victims {
	t.Helper()
	step := steps.Add(1)
	v := faults.Victims{
		Cluster: c, ID: fmt.Sprintf("%d-test", step), Seed: step,
		Nodes: c.Topology.Select(e.on), To: c.Topology.Select(e.to),
	}
	if len(v.Nodes) == 0 {
		t.Fatalf("%+v matches no node", e.on)
	}
	switch e.fault.(type) {
	case *faults.Throttle:
		awaitServing(t, c)
		keepBusy(t, v)
	case *faults.Memory:
		if e.unsupported(c) == nil {
			awaitServing(t, c)
			grow(t, v)
		}
	case *faults.SlowDisk, *faults.DiskFull, *faults.DiskErrors, *faults.PowerLoss:
		if e.unsupported(c) == nil {
			awaitServing(t, c)
			useDisk(t, c) // of all, so that a control has something to be spared
		}
	case *faults.Corrupt: // a node that has only just been started may have no data yet
		awaitServing(t, c)
	}
	return v
}

// awaitServing waits until every node answers: one that has only just been started
// would take a graceful stop for a crash.
func awaitServing(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	for _, n := range c.Topology.Nodes {
		if _, err := eventually(t.Context(), proofTimeout, func(ctx context.Context) (string, error) { return ask(ctx, c, n, "who") }); err != nil {
			t.Fatalf("%s does not answer: %v", n.ID, err)
		}
	}
}

func everyFaultHasExample(t *testing.T) {
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

// supportIsAsListed wants the runtime to refuse the faults of which the catalogue
// says that it cannot do them, and no others.
func supportIsAsListed(t *testing.T, k cluster.Driver, c *cluster.Cluster) {
	if !slices.Contains(faults.Runtimes(), k.Name) {
		t.Skip("the catalogue makes no statement about " + k.Name)
	}
	for _, entry := range faults.Catalogue() {
		for _, e := range examples() {
			if fmt.Sprintf("%T", e.fault) != fmt.Sprintf("%T", entry.New()) {
				continue
			}
			err := e.unsupported(c)
			// Whether there is FUSE is the machine's business.
			if listed := entry.On(k.Name); (err != nil) != (listed.Fidelity == faults.Unsupported) && !(err != nil && faults.FailsDisks(e.fault)) {
				t.Errorf("%s is listed as %q, and the runtime says: %v", entry.Name, listed, err)
			}
		}
	}
}

// findsDefect wants every fault that is chosen, once it has the defect, to be found out. CleanUp
// runs after each.
func findsDefect(t *testing.T, c *cluster.Cluster, of func(example) bool, with func(faults.Fault) defect, cleanUp ...func() error) {
	seen := map[string]bool{} // one example of a kind is enough
	for _, e := range examples() {
		kind := fmt.Sprintf("%T", e.fault)
		if seen[kind] || e.on.All || !of(e) {
			continue
		}
		seen[kind] = true
		t.Run(e.name, func(t *testing.T) {
			skipUnsupported(t, c, e)
			v := e.victims(t, c)
			d := with(e.fault)
			_, err := lifecycle(t.Context(), d, v)
			for _, f := range cleanUp {
				if cerr := f(); cerr != nil {
					t.Fatal(cerr)
				}
			}
			awaitCleared(t, e.fault.Prepare(v))
			var s stageError
			if !errors.As(err, &s) || s.stage != d.failsAt() {
				t.Errorf("went wrong at %v, want %q", err, d.failsAt())
			}
		})
	}
}

// awaitCleared waits until nothing affects the victims.
func awaitCleared(t testing.TB, i faults.Injection) {
	t.Helper()
	if _, err := eventually(t.Context(), proofTimeout, i.Cleared); err != nil {
		t.Fatalf("not cleared: %v", err)
	}
}
