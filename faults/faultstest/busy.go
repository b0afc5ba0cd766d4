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

// requires is what the cluster's runtime cannot do, nil when it can do all.
func (e example) requires(c *cluster.Cluster) error {
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

// possible skips what the runtime cannot do.
func possible(t *testing.T, c *cluster.Cluster, e example) {
	t.Helper()
	err := e.requires(c)
	if no, ok := errors.AsType[cluster.Unsupported](err); ok {
		t.Skip(no)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spinning is how long a node that is to feel a throttle keeps a processor busy.
const spinning = 6 * time.Second

// stir makes the victims want more than a throttle lets them have.
func stir(t *testing.T, v faults.Victims) {
	t.Helper()
	for _, n := range v.Nodes {
		if _, err := ask(t.Context(), v.Cluster, n, "spin "+spinning.String()); err != nil {
			t.Fatalf("%s: %v", n.ID, err)
		}
	}
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

// content throttles a node that does next to nothing: it is not felt.
func content(t *testing.T, c *cluster.Cluster) {
	e := example{name: "throttle", fault: &faults.Throttle{CPU: 0.5}, on: north}
	possible(t, c, e)
	serving(t, c)
	v := faults.Victims{Cluster: c, ID: "content", Nodes: c.Topology.Select(e.on)} // not stirred
	undo, err := e.fault.Inject(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	saw, err := e.fault.Active(t.Context(), v)
	if err == nil || !strings.Contains(err.Error(), "does not want more") {
		t.Errorf("an idle node felt it: %q, %v", saw, err)
	}
	if err := undo(t.Context()); err != nil {
		t.Error(err)
	}
	healthy(t, e.fault, v)
}
