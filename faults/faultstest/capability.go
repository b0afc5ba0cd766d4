package faultstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest/testnode"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// unsupported returns what the cluster lacks for the fault, nil when nothing.
func (e example) unsupported(c *cluster.Cluster) error {
	if r, ok := e.fault.(faults.ClusterCapabilityChecker); ok {
		if err := r.RequiresOf(c); err != nil {
			return err
		}
	}
	if r, ok := e.fault.(faults.CapabilityChecker); ok {
		return r.Requires(c.Process(c.Topology.Nodes[0].ID))
	}
	return nil
}

// skipUnsupported skips a fault that the cluster cannot undergo.
func skipUnsupported(t testing.TB, c *cluster.Cluster, e example) {
	t.Helper()
	err := e.unsupported(c)
	if no, ok := errors.AsType[cluster.Unsupported](err); ok {
		t.Skip(no)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spinTime is how long a node that is throttled keeps a processor busy.
const spinTime = 8 * time.Second

// keepBusy makes the victims want more CPU than a throttle lets them have.
func keepBusy(t testing.TB, v faults.Victims) {
	t.Helper()
	for _, n := range v.Nodes {
		if _, err := ask(t.Context(), v.Cluster, n, "spin "+spinTime.String()); err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
	}
}

// grow makes the victims want more and more memory.
func grow(t testing.TB, v faults.Victims) {
	t.Helper()
	for _, n := range v.Nodes {
		if _, err := ask(t.Context(), v.Cluster, n, "grow 300"); err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
	}
}

// contentWithMemory limits the memory of a node that wants no more, which has no
// effect on it.
func contentWithMemory(t *testing.T, c *cluster.Cluster) {
	e := example{name: "memory", fault: &faults.Memory{Headroom: 64_000_000}, on: north}
	skipUnsupported(t, c, e)
	awaitServing(t, c)
	injection := e.fault.Prepare(faults.Victims{Cluster: c, ID: "content", Nodes: c.Topology.Select(e.on)})
	if err := injection.Inject(t.Context()); err != nil {
		t.Fatal(err)
	}
	observed, err := injection.Active(t.Context())
	if err == nil || !strings.Contains(err.Error(), "wants no more") {
		t.Errorf("a content node lacks memory: %q, %v", observed, err)
	}
	if err := injection.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	awaitCleared(t, injection)
}

// ask sends one line to a node from a client of its own region.
func ask(ctx context.Context, c *cluster.Cluster, n topology.Node, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := c.Dialer(n.Region)(ctx, "tcp", fmt.Sprintf("%s:%d", n.ID, testnode.Port))
	if err != nil {
		return "", err
	}
	return testnode.Ask(ctx, conn, line)
}

// idleThrottle throttles a node that does next to nothing, which has no effect on it.
func idleThrottle(t *testing.T, c *cluster.Cluster) {
	e := example{name: "throttle", fault: &faults.Throttle{CPU: 0.5}, on: north}
	skipUnsupported(t, c, e)
	awaitServing(t, c)
	injection := e.fault.Prepare(faults.Victims{Cluster: c, ID: "idle", Nodes: c.Topology.Select(e.on)}) // not kept busy
	if err := injection.Inject(t.Context()); err != nil {
		t.Fatal(err)
	}
	observed, err := injection.Active(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not want more") {
		t.Errorf("an idle node is throttled: %q, %v", observed, err)
	}
	if err := injection.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	awaitCleared(t, injection)
}
