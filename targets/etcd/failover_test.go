package etcd_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/topology"
)

// needEngine skips where no engine answers, except on a CI machine.
func needEngine(t *testing.T) {
	t.Helper()
	err := docker.Check(t.Context())
	switch {
	case err == nil:
	case os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// running starts a cluster of one member a region.
func running(t *testing.T) *cluster.Cluster {
	t.Helper()
	needEngine(t)
	top, err := etcd.Target{}.Topology(topology.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	linkd, err := linux.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The first build takes a minute and more.
	if _, err := linux.Build(t.Context(), top.Nodes[0].Program); err != nil {
		t.Fatal(err)
	}
	spec := cluster.Spec{
		Run: fmt.Sprintf("etcd-%d", time.Now().UnixNano()), Topology: top, Linkd: linkd, Binary: linux.Build,
	}
	rt, err := docker.Driver().Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), rt, spec, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = holds(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// leads waits for a leader that is none of some members.
func leads(t *testing.T, c *cluster.Cluster, not ...topology.NodeID) (leader topology.NodeID) {
	t.Helper()
	eventually(t, "wait for a leader", func() error {
		got, err := etcd.Target{}.Resolve(t.Context(), c, topology.Leader)
		if err != nil {
			return err
		}
		if leader = got[0]; slices.Contains(not, leader) {
			return fmt.Errorf("it is still %s", leader)
		}
		return nil
	})
	return leader
}

func TestAMemberThatIsOutOfReach(t *testing.T) {
	c := running(t)
	first := leads(t, c)
	home, _ := c.Topology.Node(first)
	u, err := etcd.Target{}.Client(t.Context(), c, home.Region, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	n := 0
	write := func() history.Op {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n++
		return u.Do(ctx, history.Op{Kind: history.Add, Key: "s", Value: fmt.Sprint(n)})
	}
	servedBy := func(is bool) func() error {
		return func() error {
			if op := write(); op.Outcome != history.OK || (op.Node == first) != is {
				return fmt.Errorf("%s by %q: %s", op.Outcome, op.Node, op.Error)
			}
			return nil
		}
	}
	eventually(t, "be served by the member of the own region", servedBy(true))

	t.Run("cut off from the others", func(t *testing.T) {
		var cut []topology.Flow
		for _, l := range c.Topology.Links() {
			if l.From.Clients == "" && (l.From.Node == first || l.To == first) {
				cut = append(cut, topology.Flow{Link: l, Direction: topology.BothWays})
			}
		}
		heal, err := c.Links.ApplyEffect(t.Context(), "cut", cut, links.Effect{Cut: links.Hold})
		if err != nil {
			t.Fatal(err)
		}
		leads(t, c, first)
		eventually(t, "be served by another member", servedBy(false))
		if err := heal(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "come back to the member of the own region", servedBy(true))
	})

	t.Run("paused", func(t *testing.T) {
		leader := leads(t, c)
		p := c.Process(leader)
		if err := p.Signal(t.Context(), cluster.Pause); err != nil {
			t.Fatal(err)
		}
		next := leads(t, c, leader)
		followers, err := etcd.Target{}.Resolve(t.Context(), c, topology.Follower)
		if err != nil || len(followers) != 1 || followers[0] == leader || followers[0] == next {
			t.Errorf("followers %v (%v), want the one that is neither %s, which leads, nor %s, which is paused", followers, err, next, leader)
		}
		if err := p.Signal(t.Context(), cluster.Resume); err != nil {
			t.Fatal(err)
		}
		eventually(t, "come back to the member of the own region", servedBy(true))
	})
}
