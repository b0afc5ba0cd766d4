package clustertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// sandboxDies kills one sandbox of three while every node runs on. The cluster
// must name it, once, and no other; it must not name a node, for none has
// exited. Where the runtime can start a sandbox again, the links carry what they carried before, with what
// faults do to them; where it cannot, that is said.
func (b fixture) sandboxDies(t *testing.T) {
	c := b.start(t, b.spec(t, Topology(1)))
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	if found := c.SandboxFailures(ctx); len(found) > 0 {
		t.Errorf("failures of a healthy cluster: %v", found)
	}
	const node topology.NodeID = "north-1"
	cutOff := topology.Link{From: topology.Endpoint{Node: node}, To: "south-1"}
	if _, err := c.Links.ApplyEffect(ctx, "cut", []topology.Flow{{Link: cutOff, Direction: topology.BothWays}}, links.Effect{Cut: links.Refuse}); err != nil {
		t.Fatal(err)
	}
	if err := c.Sandbox(node).Signal(ctx, cluster.Kill); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	var found []cluster.SandboxFailure
	for len(found) == 0 {
		if ctx.Err() != nil {
			t.Fatal("a killed sandbox is not found")
		}
		time.Sleep(10 * time.Millisecond)
		found = c.SandboxFailures(ctx)
	}
	found = c.SandboxFailures(ctx) // once more: it is listed once
	if len(found) != 1 {
		t.Fatalf("failures: %v, want one", found)
	}
	f := found[0]
	if f.Node != node || f.Part != cluster.WholeSandbox || f.Replaced || f.OOMKilled || f.Found.Before(killed) {
		t.Errorf("got %+v, want the sandbox of %s, found after %v", f, node, killed)
	}
	if want := "the sandbox of north-1 was killed by a signal"; f.String() != want {
		t.Errorf("got %q, want %q", f, want)
	}
	recoveries := c.SandboxRecoveries()
	if len(recoveries) != 1 || recoveries[0].Node != node || recoveries[0].Part != cluster.WholeSandbox {
		t.Fatalf("what became of it: %v, want one entry for the sandbox of %s", recoveries, node)
	}
	_, can := c.Sandbox(node).(cluster.SandboxRestarter)
	var never cluster.Unsupported
	switch err := recoveries[0].Err; {
	case !can && !errors.As(err, &never):
		t.Errorf("the sandbox cannot be started again, but what is said is: %v", recoveries[0])
	case can && err != nil:
		t.Error(recoveries[0])
	case can:
		life := 1 // of the node: another one where it had to be started again
		if recoveries[0].NodeRestarted {
			life = 2
		}
		mustAsk(t, c, "south", node, "ask east-1", "east-1 1")
		mustAsk(t, c, "south", "east-1", "ask "+string(node), fmt.Sprintf("%s %d", node, life))
		if s := c.Links.Echo(ctx, cutOff); s.Err == nil {
			t.Errorf("%s was cut before the sandbox died, and carries bytes since it was made again", cutOff)
		}
	}
	if crashed := c.Crashed(ctx); len(crashed) > 0 {
		t.Errorf("nodes that exited: %v, want none", crashed)
	}
	dead, cancel := context.WithCancel(ctx)
	cancel()
	if again := c.SandboxFailures(dead); len(again) != 1 || !strings.Contains(again[0].String(), string(node)) {
		t.Errorf("with a dead context: %v, want what was found before", again)
	}
}
