package faultstest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
)

// diskUseTime is how long nodes use their disks for a fault of them.
const diskUseTime = 6 * time.Second

// useDisk makes every node write.
func useDisk(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	for _, n := range c.Topology.Nodes {
		if _, err := ask(t.Context(), c, n, "write "+diskUseTime.String()); err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
	}
}

// unusedDisk fills the disk of a node that does not write, which has no effect on it.
func unusedDisk(t *testing.T, c *cluster.Cluster) {
	e := example{name: "disk full", fault: &faults.DiskFull{}, on: north}
	skipUnsupported(t, c, e)
	awaitServing(t, c)
	awaitIdleDisks(t, c)
	injection := e.fault.Prepare(faults.Victims{Cluster: c, ID: "unused", Nodes: c.Topology.Select(e.on)})
	if err := injection.Inject(t.Context()); err != nil {
		t.Fatal(err)
	}
	if observed, err := injection.Active(t.Context()); err == nil || !strings.Contains(err.Error(), "no writes refused") {
		t.Errorf("a disk that is not used is full: %q, %v", observed, err)
	}
	if err := injection.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	awaitCleared(t, injection)
}

// awaitIdleDisks waits until what useDisk began has ended.
func awaitIdleDisks(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	operations := func(ctx context.Context) (sum int, err error) {
		for _, n := range c.Topology.Nodes {
			d, err := cluster.DiskFaulterOf(c.Process(n.ID))
			if err != nil {
				return 0, err
			}
			counts, err := d.DiskCounts(ctx)
			if err != nil {
				return 0, err
			}
			sum += counts.Operations
		}
		return sum, nil
	}
	for before := -1; ; {
		now, err := operations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now == before {
			return
		}
		before = now
		time.Sleep(200 * time.Millisecond)
	}
}

// powerLossTakesUnsynced lets a node count without syncing. A kill leaves the count,
// a power loss takes it.
func powerLossTakesUnsynced(t *testing.T, c *cluster.Cluster) {
	skipUnsupported(t, c, example{name: "power loss", fault: &faults.PowerLoss{}, on: north})
	node := c.Topology.Select(north)[0]
	countAfter := func(f faults.Fault) (before, after string) {
		awaitServing(t, c)
		before, err := ask(t.Context(), c, node, "add")
		if err != nil {
			t.Fatal(err)
		}
		injection := f.Prepare(faults.Victims{Cluster: c, ID: "count", Nodes: c.Topology.Select(north)})
		if err := injection.Inject(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := injection.Heal(t.Context()); err != nil {
			t.Fatal(err)
		}
		awaitCleared(t, injection)
		awaitServing(t, c)
		if after, err = ask(t.Context(), c, node, "get"); err != nil {
			t.Fatal(err)
		}
		return before, after
	}
	if before, after := countAfter(&faults.Kill{}); after != before {
		t.Errorf("after a kill the count is %q, want %q", after, before)
	}
	if before, after := countAfter(&faults.PowerLoss{}); after == before {
		t.Errorf("after a power loss the count is still %q, though nothing was synced", after)
	}
}
