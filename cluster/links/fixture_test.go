package links_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const port = 7400

// world is a mesh of real linkds without nodes; tests play the nodes.
type world struct {
	*links.Mesh
	topology topology.Topology
	servers  map[topology.NodeID]links.Server
	dir      string

	mu      sync.Mutex
	notices []string
}

func (w *world) noticed() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.notices, "; ")
}

var numbered = struct {
	sync.Mutex
	n int
}{}

// open starts a linkd for each node and opens every link.
func open(t testing.TB, distances ...topology.RegionLatency) *world {
	t.Helper()
	top := topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east"}, {Region: "north"}},
		Latency:     distances,
	}
	for _, id := range []topology.NodeID{"east-1", "east-2", "north-1"} {
		region, _, _ := strings.Cut(string(id), "-")
		top.Nodes = append(top.Nodes, topology.Node{
			ID: id, Region: topology.Region(region), Ports: []topology.Port{{Name: "api", Number: port}},
			Program: topology.Program{Package: "none", HostsFlag: "--hosts"},
		})
	}
	linkd, err := build.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	numbered.Lock()
	numbered.n++
	run := fmt.Sprintf("mesh-%d-%d", time.Now().UnixNano(), numbered.n)
	numbered.Unlock()
	w := &world{topology: top, servers: map[topology.NodeID]links.Server{}, dir: t.TempDir()}
	rt, err := local.Open(t.Context(), cluster.Spec{Run: run, Topology: top, Dir: w.dir, Linkd: linkd})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	var all []links.Server
	for _, n := range top.Nodes {
		sandbox, err := rt.StartSandbox(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		s := sandbox.Server()
		w.servers[n.ID] = s
		all = append(all, s)
	}
	w.Mesh = links.New(top, all, func(s string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.notices = append(w.notices, s)
	})
	if err := w.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// The links that tests apply effects to.
var (
	nodes   = topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}
	back    = topology.Link{From: topology.Endpoint{Node: "north-1"}, To: "east-1"}
	clients = topology.Link{From: topology.Endpoint{Clients: "east"}, To: "north-1"}
)

// node plays the node at the far end of links. Each connection begins with a
// ticket, so that its two ends find each other.
type node struct {
	net.Listener
	mu      sync.Mutex
	arrived map[byte]chan net.Conn
	tickets byte
	empty   chan bool // a connection ended before its ticket
}

func (w *world) listen(t testing.TB, id topology.NodeID) *node {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(w.servers[id].Host, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Listener: ln, arrived: map[byte]chan net.Conn{}, empty: make(chan bool, 100)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				ticket := make([]byte, 1)
				if _, err := io.ReadFull(c, ticket); err != nil {
					_ = c.Close()
					n.empty <- true
					return
				}
				n.wait(ticket[0]) <- c
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return n
}

// wait is where the connection with a ticket arrives.
func (n *node) wait(ticket byte) chan net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.arrived[ticket] == nil {
		n.arrived[ticket] = make(chan net.Conn, 1)
	}
	return n.arrived[ticket]
}

// dial opens a connection as the near end of a link does.
func (w *world) dial(l topology.Link) (net.Conn, error) {
	if l.From.Clients != "" {
		return w.Dial(context.Background(), l.From.Clients, fmt.Sprintf("%s:%d", l.To, port))
	}
	return net.Dial("tcp", net.JoinHostPort(w.servers[l.From.Node].Peers[l.To], fmt.Sprint(port)))
}

// connect opens a connection over a link and returns both of its ends once
// bytes have passed both ways.
func (w *world) connect(t testing.TB, l topology.Link, n *node) (near, far net.Conn) {
	t.Helper()
	near, err := w.dial(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	n.mu.Lock()
	n.tickets++
	ticket := n.tickets
	n.mu.Unlock()
	if _, err := near.Write([]byte{ticket}); err != nil {
		t.Fatal(err)
	}
	select {
	case far = <-n.wait(ticket):
	case <-time.After(long):
		t.Fatalf("a connection over %s does not arrive", l)
	}
	t.Cleanup(func() { _ = far.Close() })
	if !carries(t, near, far) || !carries(t, far, near) {
		t.Fatal("an open link carries nothing")
	}
	return near, far
}

// send writes one byte.
func send(t testing.TB, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte{'x'}); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// read waits for one byte. What ends the wait is nil (a byte), io.EOF (FIN),
// syscall.ECONNRESET (RST) or os.ErrDeadlineExceeded (nothing).
func read(t testing.TB, c net.Conn, within time.Duration) error {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	for _, checkLink := range []error{io.EOF, syscall.ECONNRESET, os.ErrDeadlineExceeded} {
		if errors.Is(err, checkLink) {
			return checkLink
		}
	}
	return err
}

// How long to wait for bytes that must arrive, and for bytes that must not.
const (
	long  = 10 * time.Second
	short = 150 * time.Millisecond
)

func carries(t testing.TB, from, to net.Conn) bool {
	t.Helper()
	send(t, from)
	return read(t, to, long) == nil
}

// on is the streams of one flow of a link.
func on(l topology.Link, f topology.Direction) []topology.Flow {
	return []topology.Flow{{Link: l, Direction: f}}
}

func (w *world) apply(t testing.TB, id string, s []topology.Flow, e links.Effect) func() {
	t.Helper()
	heal, err := w.ApplyEffect(t.Context(), id, s, e)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := heal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) echo(t testing.TB, l topology.Link) time.Duration {
	t.Helper()
	s := w.Echo(t.Context(), l)
	if s.Err != nil {
		t.Fatalf("echo %s: %v", l, s.Err)
	}
	return s.RTT
}
