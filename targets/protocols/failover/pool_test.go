package failover_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// system is nodes that can be switched off, and the connections to them.
type system struct {
	mu      sync.Mutex
	off     map[topology.NodeID]bool
	primary topology.NodeID // that discovery names
	open    map[*conn]bool
	dead    map[*conn]bool
}

type conn struct{ s *system }

func (c *conn) Usable() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return !c.s.dead[c]
}

func (c *conn) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if !c.s.open[c] {
		return errors.New("closed twice")
	}
	delete(c.s.open, c)
	return nil
}

func newSystem() *system {
	return &system{off: map[topology.NodeID]bool{}, open: map[*conn]bool{}, dead: map[*conn]bool{}}
}

func (s *system) set(n topology.NodeID, off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off[n] = off
}

func (s *system) Open(_ context.Context, to protocols.Endpoint) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off[to.Node] {
		return nil, errors.New("it is off")
	}
	c := &conn{s}
	s.open[c] = true
	return c, nil
}

func (s *system) Discover(context.Context) (protocols.Endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.primary == "" {
		return protocols.Endpoint{}, errors.New("no primary is known")
	}
	return protocols.Endpoint{Node: s.primary}, nil
}

var endpoints = []protocols.Endpoint{{Node: "a"}, {Node: "b"}}

// used is the node that serves an operation which ends with the given error, or "" with the reason.
func used(ctx context.Context, p *failover.Pool[*conn], end error) (node topology.NodeID, err error) {
	err = p.Use(ctx, func(via protocols.Endpoint, _ *conn) error {
		node = via.Node
		return end
	})
	return node, err
}

func await(t *testing.T, p *failover.Pool[*conn], want topology.NodeID) {
	t.Helper()
	var got topology.NodeID
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got, _ = used(t.Context(), p, nil); got == want {
			return
		}
	}
	t.Fatalf("served by %q, want %q", got, want)
}

func checkClosed(t *testing.T, p *failover.Pool[*conn], s *system) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		t.Errorf("%d connections are left open", len(s.open))
	}
}

func TestAClientLeavesANodeAndComesBack(t *testing.T) {
	s := newSystem()
	p := failover.New(failover.Config[*conn]{Endpoints: endpoints, Open: s.Open})
	defer checkClosed(t, p, s)
	await(t, p, "a")
	s.set("a", true)
	if got, err := used(t.Context(), p, errors.New("connection reset")); got != "a" || err != nil {
		t.Fatalf("the connection that is open is to a: %q, %v", got, err)
	}
	if got, err := used(t.Context(), p, nil); got != "b" {
		t.Fatalf("after a broke: %q, %v", got, err)
	}
	s.set("a", false)
	await(t, p, "a")
	s.set("a", true)
	s.set("b", true)
	for _, n := range []topology.NodeID{"a", "b"} {
		if got, err := used(t.Context(), p, failover.Down{Err: errors.New("read only")}); got != n && n == "a" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_, err := used(t.Context(), p, nil)
	var none failover.NoServingNode
	if !errors.As(err, &none) || len(none.Reasons) != 2 {
		t.Errorf("with all nodes off: %v, want a reason for each", err)
	}
	s.set("b", false)
	await(t, p, "b")
}

// The caller's own haste says nothing about the node, and neither does the last answer of a connection.
func TestWhatDoesNotMakeANodeDown(t *testing.T) {
	s := newSystem()
	p := failover.New(failover.Config[*conn]{Endpoints: endpoints, Open: s.Open})
	defer checkClosed(t, p, s)
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Use(ctx, func(protocols.Endpoint, *conn) error {
		cancel()
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []error{nil, failover.ErrSpent, nil} {
		if got, err := used(t.Context(), p, end); got != "a" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// A node that is slow to connect to and answers operations meanwhile is not left. One that answers none is.
func TestASlowNode(t *testing.T) {
	for name, answers := range map[string]bool{"that answers": true, "that answers nothing": false} {
		t.Run(name, func(t *testing.T) {
			s := newSystem()
			checking, proceed := make(chan bool), make(chan bool)
			var opened atomic.Bool
			p := failover.New(failover.Config[*conn]{
				Endpoints: endpoints, OpenTimeout: time.Minute,
				Open: func(ctx context.Context, to protocols.Endpoint) (*conn, error) {
					if to.Node == "a" && opened.Swap(true) {
						select {
						case checking <- true:
							<-proceed
						case <-proceed:
						}
						return nil, errors.New("timed out")
					}
					return s.Open(ctx, to)
				},
			})
			defer checkClosed(t, p, s)
			ctx, cancel := context.WithCancel(t.Context())
			block := make(chan bool)
			done := make(chan bool)
			await(t, p, "a")
			go func() { // is slow until the check has begun
				defer close(done)
				_ = p.Use(ctx, func(protocols.Endpoint, *conn) error {
					<-block
					if !answers {
						cancel()
						return ctx.Err()
					}
					return nil
				})
			}()
			<-checking
			close(block)
			<-done
			cancel()
			close(proceed)
			want := topology.NodeID("a")
			if !answers {
				want = "b"
			}
			await(t, p, want)
		})
	}
}

func TestAnIdleConnectionThatIsClosedIsNotUsed(t *testing.T) {
	s := newSystem()
	p := failover.New(failover.Config[*conn]{Endpoints: endpoints, Open: s.Open})
	defer checkClosed(t, p, s)
	var first *conn
	seen := func() (c *conn) {
		if err := p.Use(t.Context(), func(_ protocols.Endpoint, got *conn) error { c = got; return nil }); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if first = seen(); seen() != first {
		t.Error("a usable connection was not used again")
	}
	s.mu.Lock()
	s.dead[first] = true
	s.mu.Unlock()
	if seen() == first {
		t.Error("a closed connection was used")
	}
}

func TestDiscovery(t *testing.T) {
	s := newSystem()
	p := failover.New(failover.Config[*conn]{Open: s.Open, Discover: s.Discover})
	defer checkClosed(t, p, s)
	if got, err := used(t.Context(), p, nil); err == nil {
		t.Fatalf("without a primary %q serves", got)
	}
	name := func(n topology.NodeID) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.primary = n
	}
	name("b")
	await(t, p, "b")
	name("a")
	if got, _ := used(t.Context(), p, nil); got != "b" {
		t.Errorf("%q serves although b does", got)
	}
	s.set("b", true)
	if _, err := used(t.Context(), p, failover.Down{Err: errors.New("read only")}); err != nil {
		t.Fatal(err)
	}
	await(t, p, "a")
}

func TestManyAtOnce(t *testing.T) {
	s := newSystem()
	p := failover.New(failover.Config[*conn]{Endpoints: endpoints, Open: s.Open})
	defer checkClosed(t, p, s)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 100 {
				s.set("a", (i+j)%7 == 0)
				end := error(nil)
				if (i+j)%5 == 0 {
					end = errors.New("broken")
				}
				got, _ := used(t.Context(), p, end)
				if !slices.Contains([]topology.NodeID{"a", "b", ""}, got) {
					t.Errorf("served by %q", got)
				}
			}
		})
	}
	all.Wait()
}
