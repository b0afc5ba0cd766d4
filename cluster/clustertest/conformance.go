package clustertest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest/testnode"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Conformance holds a runtime to what cluster promises. Left lists what a run
// has left behind; nil means that there is nothing to look for.
func Conformance(t *testing.T, k cluster.Driver, left Leftovers) {
	if err := k.Check(t.Context()); err != nil {
		t.Fatalf("runtime %s cannot work here: %v", k.Name, err)
	}
	b := fixture{k, left}
	t.Run("lifecycle of a cluster", b.lifecycle)
	t.Run("throttle", b.throttle)
	t.Run("close after a partial start", b.partial)
	t.Run("node that exits at once", b.exitAtStart)
	t.Run("clean-up log before the resource", b.cleanupLog)
	t.Run("two runs at once", b.two)
	t.Run("a sandbox that dies is named", b.sandboxDies)
}

// lifecycle is what needs no cluster of its own, in one. Each case leaves every
// node running.
func (b fixture) lifecycle(t *testing.T) {
	top := Topology(1)
	top.Nodes[2].Program = Program("--stubborn") // south-1
	top.Nodes[2].Program.Grace = 300 * time.Millisecond
	s := b.spec(t, top)
	c := b.start(t, s)

	t.Run("peers reach each other by name", func(t *testing.T) {
		for _, n := range top.Nodes {
			for _, peer := range top.Nodes {
				if n.ID != peer.ID {
					mustAsk(t, c, "north", n.ID, "ask "+string(peer.ID), string(peer.ID)+" 1")
				}
			}
		}
	})
	t.Run("every link echoes, at its baseline", func(t *testing.T) {
		for _, s := range c.Links.Matrix(t.Context()) {
			least := 2 * top.OneWay(top.RegionOf(s.Link.From), top.RegionOf(topology.Endpoint{Node: s.Link.To}))
			if s.Err != nil || s.RTT < least {
				t.Errorf("%s: %v, %v; want at least %v", s.Link, s.RTT, s.Err, least)
			}
		}
	})
	t.Run("every node is given the run's secret", func(t *testing.T) {
		for _, n := range top.Nodes {
			mustAsk(t, c, n.Region, n.ID, "secret", s.Secret)
		}
	})
	t.Run("each linkd has a credential of its own, which is written nowhere", func(t *testing.T) { credentials(t, c, s) })
	t.Run("every sandbox tells its processor time", func(t *testing.T) {
		used := c.SandboxCPU(t.Context())
		for _, n := range top.Nodes {
			if used[n.ID].Used <= 0 {
				t.Errorf("%s has carried bytes and used %v of a processor", n.ID, used[n.ID].Used)
			}
		}
	})
	t.Run("a cut link is cut and heals", func(t *testing.T) { cut(t, c) })
	t.Run("kill and restart", func(t *testing.T) { killed(t, c) })
	t.Run("pause and resume", func(t *testing.T) { paused(t, c) })
	t.Run("terminate", func(t *testing.T) { terminated(t, c) })
	t.Run("terminate a stubborn node", func(t *testing.T) {
		signal(t, c, "south-1", cluster.Terminate)
		become(t, c, "south-1", cluster.Exited)
		restart(t, c, "south-1")
		become(t, c, "south-1", cluster.Running)
	})
	t.Run("disk", func(t *testing.T) { disk(t, c) })
	t.Run("clean-up log names every resource", func(t *testing.T) {
		if got := s.CleanupLog.(*fakeLog).count(); got < 2*len(top.Nodes) {
			t.Errorf("%d entries for %d pods", got, len(top.Nodes))
		}
	})
}

// credentials looks for the credentials of linkds in the run's folder, where nodes
// can read: a node that had one could heal the links that faults cut.
func credentials(t *testing.T, c *cluster.Cluster, s cluster.Spec) {
	seen := map[string]topology.NodeID{s.Secret: "the nodes"}
	for _, n := range s.Topology.Nodes {
		credential := c.Sandbox(n.ID).Server().Credential
		if other, taken := seen[credential]; taken || len(credential) < 20 {
			t.Errorf("the credential of %s has %d characters and is also that of %q; want one of its own with 20 or more", n.ID, len(credential), other)
		}
		seen[credential] = n.ID
	}
	delete(seen, s.Secret)
	err := fs.WalkDir(os.DirFS(s.Dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(s.Dir, path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a node has removed it meanwhile
		}
		for credential, node := range seen {
			if strings.Contains(string(b), credential) {
				t.Errorf("%s holds the credential of %s", path, node)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func cut(t *testing.T, c *cluster.Cluster) {
	link := topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}
	heal, err := c.Links.ApplyEffect(t.Context(), "cut", []topology.Flow{{Link: link, Direction: topology.BothWays}}, links.Effect{Cut: links.Refuse})
	if err != nil {
		t.Fatal(err)
	}
	if said, err := ask(t.Context(), c, "east", "east-1", "ask north-1"); err == nil {
		t.Errorf("north-1 answered %q through a cut link", said)
	}
	mustAsk(t, c, "east", "east-1", "ask south-1", "south-1 1") // no fault is on this one
	mustAsk(t, c, "north", "north-1", "ask east-1", "east-1 1") // the other way is another link
	if err := heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAsk(t, c, "east", "east-1", "ask north-1", "north-1 1")
}

func killed(t *testing.T, c *cluster.Cluster) {
	const node = "east-1"
	p := c.Process(node)
	mustAsk(t, c, "south", node, "add", "1")
	mustAsk(t, c, "south", node, "add", "2")
	mustAsk(t, c, "south", node, "say before the kill", "ok")
	first := become(t, c, node, cluster.Running)
	if err := p.Restart(t.Context()); err == nil {
		t.Error("restarted while it ran")
	}

	signal(t, c, node, cluster.Kill)
	s := become(t, c, node, cluster.Exited)
	if s.ExitCode != -1 {
		t.Errorf("exit code after a kill: got %d, want -1", s.ExitCode)
	}
	if said, err := ask(t.Context(), c, "south", node, "who"); err == nil {
		t.Errorf("a killed node says %q", said)
	}
	mustAsk(t, c, "south", "north-1", "who", "north-1 1")
	if err := p.Signal(t.Context(), cluster.Kill); err != nil && !strings.Contains(err.Error(), node) {
		t.Errorf("kill of a dead node: %v; want nil or an error that names it", err)
	}
	if err := p.Signal(t.Context(), cluster.Pause); err == nil {
		t.Error("paused a dead node")
	}

	restart(t, c, node)
	mustAsk(t, c, "south", node, "who", node+" 2")            // same address for clients
	mustAsk(t, c, "south", "north-1", "ask "+node, node+" 2") // and for peers
	mustAsk(t, c, "south", node, "ask north-1", "north-1 1")
	mustAsk(t, c, "south", node, "get", "2")
	logged(t, c, node, "for the 1. time", "before the kill", "for the 2. time")
	if again := become(t, c, node, cluster.Running); !again.Started.After(first.Started) {
		t.Errorf("started %v, restarted %v", first.Started, again.Started)
	}
}

func paused(t *testing.T, c *cluster.Cluster) {
	const node = "north-1"
	conn := dial(t, c, "south", node)
	signal(t, c, node, cluster.Resume) // of a process that runs: nothing happens
	become(t, c, node, cluster.Running)
	signal(t, c, node, cluster.Pause)
	become(t, c, node, cluster.Paused)

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if said, err := ask(ctx, c, "south", node, "who"); err == nil {
		t.Errorf("a paused node says %q", said)
	}
	type reply struct {
		said string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		said, err := testnode.Ask(t.Context(), conn, "who")
		replies <- reply{said, err}
	}()
	signal(t, c, node, cluster.Resume)
	become(t, c, node, cluster.Running)
	if got := <-replies; got.err != nil || got.said != node+" 1" {
		t.Errorf("on the connection from before the pause: got %q, %v; want %q", got.said, got.err, node+" 1")
	}
}

func terminated(t *testing.T, c *cluster.Cluster) {
	const node = "north-1"
	signal(t, c, node, cluster.Terminate)
	s := become(t, c, node, cluster.Exited)
	if s.ExitCode != 0 {
		t.Errorf("exit code of a graceful stop: got %d, want 0", s.ExitCode)
	}
	logged(t, c, node, node+" ends")
	restart(t, c, node)
	mustAsk(t, c, "south", node, "who", node+" 2")
	// A paused node can be killed.
	signal(t, c, node, cluster.Pause)
	become(t, c, node, cluster.Paused)
	signal(t, c, node, cluster.Kill)
	become(t, c, node, cluster.Exited)
	restart(t, c, node)
	mustAsk(t, c, "south", node, "who", node+" 3")
}

// partial closes a runtime of which only one pod of three was started, with
// its node paused.
func (b fixture) partial(t *testing.T) {
	s := b.spec(t, Topology(1))
	rt, err := b.kind.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	sandbox, err := rt.StartSandbox(ctx, s.Topology.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	p, err := rt.Start(ctx, s.Topology.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	if b.left != nil { // negative control of what follows
		if left, err := b.left(ctx, s.Run); err != nil || len(left) == 0 {
			t.Errorf("while it runs the check for leftovers finds nothing: %q, %v", left, err)
		}
	}
	if err := p.Signal(ctx, cluster.Pause); err != nil {
		t.Fatal(err)
	}
	b.close(t, rt.Close, s.Run)
	for _, addr := range []string{sandbox.Server().Control, sandbox.Server().Admin} {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("%s still accepts after close", addr)
		}
	}
}

func (b fixture) exitAtStart(t *testing.T) {
	top := Topology(1)
	top.Nodes[1].Program = Program("--exit=3")
	s := b.spec(t, top)
	rt, err := b.kind.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	c, err := cluster.Start(ctx, rt, s, nil)
	if err == nil {
		_ = c.Close(ctx)
		t.Fatal("started")
	}
	for _, want := range []string{"north-1", "status 3", "told to exit at once"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	b.assertNoLeftovers(t, s.Run)
}

// cleanupLog refuses one entry after the other: the resource must not be made, the
// start must fail, and nothing may be left.
func (b fixture) cleanupLog(t *testing.T) {
	top := Topology(1)
	top.Nodes = top.Nodes[:1]
	for refused := 0; ; refused++ {
		s := b.spec(t, top)
		d := s.CleanupLog.(*fakeLog)
		d.first = func() { b.assertNoLeftovers(t, s.Run) }
		d.refuse = func(n int) error {
			if n == refused {
				return errFull
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
		rt, err := b.kind.Open(ctx, s)
		if err == nil {
			var c *cluster.Cluster
			if c, err = cluster.Start(ctx, rt, s, nil); err == nil {
				b.close(t, c.Close, s.Run)
			}
		}
		cancel()
		reached := d.count() > refused
		if reached && (err == nil || !strings.Contains(err.Error(), errFull.Error())) {
			t.Errorf("entry %d was refused: got %v, want %v", refused, err, errFull)
		}
		b.assertNoLeftovers(t, s.Run)
		if !reached {
			if err != nil {
				t.Errorf("no entry was refused: %v", err)
			}
			if refused < 2 {
				t.Errorf("only %d entries for a linkd and a node", refused)
			}
			return
		}
	}
}

func (b fixture) two(t *testing.T) {
	top := Topology(1)
	top.Nodes = top.Nodes[:2]
	one := b.spec(t, top)
	c := b.start(t, b.spec(t, top))
	t.Run("the other", func(t *testing.T) {
		other := b.start(t, one)
		mustAsk(t, other, "east", "east-1", "ask north-1", "north-1 1")
	})
	mustAsk(t, c, "east", "east-1", "ask north-1", "north-1 1") // survived the other's end
}
