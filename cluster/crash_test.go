package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/topology"
)

type forgetful struct{}

func (forgetful) Append(cluster.CleanupEntry) error { return nil }

// start starts three nodes of the fake runtime.
func start(t *testing.T) *cluster.Cluster {
	t.Helper()
	kind := clustertest.Fake(nil)
	if err := kind.Check(t.Context()); err != nil {
		t.Skip(err)
	}
	spec := cluster.Spec{
		Run: fmt.Sprintf("cluster-%d", time.Now().UnixNano()), Topology: clustertest.Topology(1), Dir: t.TempDir(),
		Binary: build.Builder(kind.OS).Build, CleanupLog: forgetful{},
	}
	rt, err := kind.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), rt, spec, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func crashed(t *testing.T, c *cluster.Cluster) (out []topology.NodeID) {
	for _, crash := range c.Crashed(t.Context()) {
		if crash.Status.State != cluster.Exited {
			t.Errorf("%s is %s, and counted as crashed", crash.Node, crash.Status.State)
		}
		out = append(out, crash.Node)
	}
	return out
}

func TestOnlyWhoExitsByItselfHasCrashed(t *testing.T) {
	c := start(t)
	ctx := t.Context()
	is := func(when string, want ...topology.NodeID) {
		t.Helper()
		if diff := cmp.Diff(want, crashed(t, c)); diff != "" {
			t.Errorf("crashed %s (-want +got):\n%s", when, diff)
		}
	}
	is("at first")
	release, err := c.Hold(ctx, "east-1", cluster.Exited, cluster.Kill)
	if err != nil {
		t.Fatal(err)
	}
	resume, err := c.Hold(ctx, "south-1", cluster.Paused, cluster.Pause)
	if err != nil {
		t.Fatal(err)
	}
	is("while one is held dead and one paused")
	p := c.Process("north-1")
	if err := p.Signal(ctx, cluster.Kill); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Await(ctx, p, cluster.Exited); err != nil {
		t.Fatal(err)
	}
	is("once another dies of something else", "north-1")
	if err := release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := resume(ctx); err != nil {
		t.Fatal(err)
	}
	is("after the holds were let go", "north-1")
	if err := p.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	is("when it runs again")
}
