package clustertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest/testnode"
	"github.com/mcp-resilience/holdfast/topology"
)

// caseTimeout bounds each case. It is generous, since it is there to end a runtime
// that hangs and not to hold one to a speed.
const caseTimeout = time.Minute

// Program is a testnode as a program, for topologies of other tests.
func Program(more ...string) topology.Program {
	return topology.Program{
		Package:   build.Module + "/cluster/clustertest/node",
		HostsFlag: "--hosts",
		Args:      append([]string{"--name={{.Name}}", "--host={{.Host}}", "--data={{.Data}}"}, more...),
		Env:       map[string]string{"TEST_SECRET": "{{.Secret}}"},
		Grace:     5 * time.Second,
	}
}

// Topology is n testnodes in each of three regions, with a short delay between
// east and the others.
func Topology(n int) topology.Topology {
	t := topology.Topology{Latency: []topology.RegionLatency{
		{A: "east", B: "north", OneWay: 5 * time.Millisecond},
		{A: "east", B: "south", OneWay: 5 * time.Millisecond},
	}}
	for _, r := range []topology.Region{"east", "north", "south"} {
		t.RegionSpecs = append(t.RegionSpecs, topology.RegionSpec{Region: r, Weight: 1})
		for i := range n {
			t.Nodes = append(t.Nodes, topology.Node{
				ID: topology.NodeID(fmt.Sprintf("%s-%d", r, i+1)), Region: r, Service: "test", Voter: true,
				Ports: []topology.Port{{Name: "api", Number: testnode.Port}}, Program: Program(),
			})
		}
	}
	return t
}

// Leftovers lists what of a run is still there, for a runtime that can list it.
type Leftovers func(ctx context.Context, run string) ([]string, error)

// fixture is one runtime under test.
type fixture struct {
	kind cluster.Driver
	left Leftovers
}

// spec makes the spec of a run that no other test has.
func (b fixture) spec(t *testing.T, top topology.Topology) cluster.Spec {
	t.Helper()
	programs := build.Builder(b.kind.OS)
	linkd, err := programs.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runs.Lock()
	defer runs.Unlock()
	runs.n++
	return cluster.Spec{
		Run: fmt.Sprintf("conformance-%d-%d", time.Now().UnixNano(), runs.n), Topology: top, Dir: t.TempDir(),
		Binary: programs.Build, Linkd: linkd, CleanupLog: new(fakeLog), Secret: cluster.NewSecret(),
	}
}

var runs struct {
	sync.Mutex
	n int
}

// start starts a cluster and closes it with the test.
func (b fixture) start(t *testing.T, s cluster.Spec) *cluster.Cluster {
	t.Helper()
	rt, err := b.kind.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	c, err := cluster.Start(ctx, rt, s, func(n string) { t.Log("notice:", n) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close(t, c.Close, s.Run) })
	return c
}

// close closes, twice, and looks for what is left.
func (b fixture) close(t *testing.T, closing func(context.Context) error, run string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), caseTimeout)
	defer cancel()
	for range 2 {
		if err := closing(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	b.assertNoLeftovers(t, run)
}

func (b fixture) assertNoLeftovers(t *testing.T, run string) {
	t.Helper()
	if b.left == nil {
		return
	}
	left, err := b.left(context.WithoutCancel(t.Context()), run)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// ask sends one command to a node as a client of a region.
func ask(ctx context.Context, c *cluster.Cluster, from topology.Region, node topology.NodeID, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := c.Dialer(from)(ctx, "tcp", fmt.Sprintf("%s:%d", node, testnode.Port))
	if err != nil {
		return "", err
	}
	return testnode.Ask(ctx, conn, line)
}

// mustAsk asks until there is an answer, for a node that has just been started.
func mustAsk(t *testing.T, c *cluster.Cluster, from topology.Region, node topology.NodeID, line, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	for {
		got, err := ask(ctx, c, from, node, line)
		if err == nil {
			if got != want {
				t.Fatalf("%s to %s from %s: got %q, want %q", line, node, from, got, want)
			}
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s to %s from %s: %v", line, node, from, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// become waits until a node is in a state.
func become(t *testing.T, c *cluster.Cluster, node topology.NodeID, want cluster.ProcessState) cluster.ProcessStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	s, err := cluster.Await(ctx, c.Process(node), want)
	if err != nil {
		t.Fatalf("%s: %v", node, err)
	}
	return s
}

func signal(t *testing.T, c *cluster.Cluster, node topology.NodeID, s cluster.Signal) {
	t.Helper()
	if err := c.Process(node).Signal(t.Context(), s); err != nil {
		t.Fatalf("%s %s: %v", s, node, err)
	}
}

func restart(t *testing.T, c *cluster.Cluster, node topology.NodeID) {
	t.Helper()
	if err := c.Process(node).Restart(t.Context()); err != nil {
		t.Fatalf("restart %s: %v", node, err)
	}
}

func logs(t *testing.T, c *cluster.Cluster, node topology.NodeID) string {
	t.Helper()
	r, err := c.Process(node).Logs(t.Context())
	if err != nil {
		t.Fatalf("logs of %s: %v", node, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("logs of %s: %v", node, err)
	}
	return string(b)
}

// logged waits until a node's log has all of the texts.
func logged(t *testing.T, c *cluster.Cluster, node topology.NodeID, texts ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	for {
		all := logs(t, c, node)
		missing := ""
		for _, s := range texts {
			if !strings.Contains(all, s) {
				missing = s
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("log of %s has no %q:\n%s", node, missing, all)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dial opens a connection that stays open.
func dial(t *testing.T, c *cluster.Cluster, from topology.Region, node topology.NodeID) net.Conn {
	t.Helper()
	conn, err := c.Dialer(from)(t.Context(), "tcp", fmt.Sprintf("%s:%d", node, testnode.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// fakeLog is a cleanup log in memory, which fails where a test wants it to.
type fakeLog struct {
	mu      sync.Mutex
	entries []cluster.CleanupEntry
	first   func()            // called before the first entry is taken
	refuse  func(n int) error // of the n-th entry, from 0; nil takes all
}

func (d *fakeLog) Append(e cluster.CleanupEntry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.entries)
	if n == 0 && d.first != nil {
		d.first()
	}
	d.entries = append(d.entries, e)
	if d.refuse != nil {
		return d.refuse(n)
	}
	return nil
}

func (d *fakeLog) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.entries)
}

var errFull = errors.New("clean-up log: no space left")
