package clustertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// sandboxDies kills one sandbox of three while every node runs on. The cluster
// must name it, once, and no other; it must not name a node, for none has
// exited.
func (b fixture) sandboxDies(t *testing.T) {
	c := b.start(t, b.spec(t, Topology(1)))
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	if found := c.SandboxFailures(ctx); len(found) > 0 {
		t.Errorf("failures of a healthy cluster: %v", found)
	}
	const node topology.NodeID = "north-1"
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
	if crashed := c.Crashed(ctx); len(crashed) > 0 {
		t.Errorf("nodes that exited: %v, want none", crashed)
	}
	dead, cancel := context.WithCancel(ctx)
	cancel()
	if again := c.SandboxFailures(dead); len(again) != 1 || !strings.Contains(again[0].String(), string(node)) {
		t.Errorf("with a dead context: %v, want what was found before", again)
	}
}
