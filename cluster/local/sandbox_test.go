package local_test

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// awaitFailure polls as a run does until more than known failures are listed.
func awaitFailure(t *testing.T, c *cluster.Cluster, known int) []cluster.SandboxFailure {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found := c.SandboxFailures(t.Context()); len(found) > known {
			return found
		}
	}
	t.Fatalf("after 20 s there are no more than %d failures", known)
	return nil
}

func closed(t *testing.T, c *cluster.Cluster) {
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// proxyOf is the pid of a node's link proxy, supervisorOf that of its supervisor.
func proxyOf(t *testing.T, run string, node topology.NodeID) int {
	return linkdOf(t, run, node, "\x00proxy\x00")
}

func supervisorOf(t *testing.T, run string, node topology.NodeID) int {
	return linkdOf(t, run, node, "\x00-control\x00")
}

func linkdOf(t *testing.T, run string, node topology.NodeID, word string) int {
	t.Helper()
	of := map[int]bool{}
	for _, pid := range having(t, "environ", "HOLDFAST_NODE="+string(node)+"\x00") {
		of[pid] = true
	}
	ours := marked(t, run)
	for _, pid := range having(t, "cmdline", word) {
		if of[pid] && slices.Contains(ours, pid) {
			return pid
		}
	}
	t.Fatalf("no linkd of %s with %q", node, word)
	return 0
}

func kill(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

// A link proxy that dies is named; so is the replacement that follows when a
// fault next needs it; and one that dies again is named again.
func TestALinkProxyThatDiesIsNamed(t *testing.T) {
	run := newRun(t)
	c := start(t, run, t.TempDir())
	closed(t, c)
	if found := c.SandboxFailures(t.Context()); len(found) > 0 {
		t.Fatalf("failures of a healthy cluster: %v", found)
	}
	kill(t, proxyOf(t, run, "north-1"), syscall.SIGKILL)
	found := awaitFailure(t, c, 0)
	if got, want := found[0].String(), "the link proxy of north-1 ended: proxies ended: signal: killed"; len(found) != 1 || got != want {
		t.Errorf("got %v, want only %q", found, want)
	}

	heal, err := c.Links.ApplyEffect(t.Context(), "x", []topology.Flow{{
		Link: topology.Link{From: topology.Endpoint{Node: "north-1"}, To: "east-1"}, Direction: topology.BothWays,
	}}, links.Effect{Latency: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	found = awaitFailure(t, c, 1)
	if f := found[1]; f.Node != "north-1" || f.Part != cluster.LinkProxy || !f.Replaced {
		t.Errorf("after the proxy was replaced: %+v", f)
	}
	if err := heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := c.SandboxFailures(t.Context()); len(again) != 2 {
		t.Errorf("a replaced proxy fails no more: %v", again[2:])
	}

	kill(t, proxyOf(t, run, "north-1"), syscall.SIGKILL)
	if found = awaitFailure(t, c, 2); found[2].Replaced || found[2].Part != cluster.LinkProxy {
		t.Errorf("after the second death: %+v", found[2])
	}
}

// What runs but does not answer is named once that has lasted: a link proxy
// that hangs, and a supervisor that does.
func TestALinkdThatHangsIsNamed(t *testing.T) {
	run := newRun(t)
	c := start(t, run, t.TempDir())
	closed(t, c)
	supervisor, proxy := supervisorOf(t, run, "east-1"), proxyOf(t, run, "south-1")
	for _, pid := range []int{supervisor, proxy} {
		kill(t, pid, syscall.SIGSTOP)
	}
	stopped := time.Now()
	awaitFailure(t, c, 0)
	if after := time.Since(stopped); after < 4*time.Second {
		t.Errorf("named after %v: a busy machine must not count as a failure", after)
	}
	parts := map[topology.NodeID]cluster.SandboxPart{}
	for _, f := range awaitFailure(t, c, 1) {
		parts[f.Node] = f.Part
		if !strings.Contains(f.Reason, "has not answered for 5s") {
			t.Errorf("the reason of %s does not say how long it has not answered: %s", f.Node, f)
		}
	}
	if len(parts) != 2 || parts["east-1"] != cluster.WholeSandbox || parts["south-1"] != cluster.LinkProxy {
		t.Errorf("got %v, want the sandbox of east-1 and the link proxy of south-1", parts)
	}
}
