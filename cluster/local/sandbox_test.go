package local_test

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
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

// A link proxy that dies is named and made again with its links; and one that dies again is named again.
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

	again := c.SandboxRecoveries()
	if want := "the link proxy of north-1 was made again with its links; connections that were open are closed"; len(again) != 1 || again[0].String() != want {
		t.Errorf("got %v, want only %q", again, want)
	}
	if s := c.Links.Echo(t.Context(), topology.Link{From: topology.Endpoint{Node: "north-1"}, To: "east-1"}); s.Err != nil {
		t.Errorf("the new proxy carries nothing: %v", s.Err)
	}
	if found := c.SandboxFailures(t.Context()); len(found) != 1 {
		t.Errorf("a proxy that was made again fails no more: %v", found[1:])
	}

	kill(t, proxyOf(t, run, "north-1"), syscall.SIGKILL)
	if found = awaitFailure(t, c, 1); found[1].Replaced || found[1].Part != cluster.LinkProxy {
		t.Errorf("after the second death: %+v", found[1])
	}
}

// What runs but does not answer is named once that has lasted, and made again: a link proxy
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
	for _, r := range c.SandboxRecoveries() {
		if parts[r.Node] != r.Part || r.Err != nil {
			t.Error(r)
		}
		delete(parts, r.Node)
	}
	if len(parts) > 0 {
		t.Errorf("not made again: %v", parts)
	}
	for _, s := range c.Links.Matrix(t.Context()) {
		if s.Err != nil {
			t.Errorf("%s carries nothing: %v", s.Link, s.Err)
		}
	}
}
