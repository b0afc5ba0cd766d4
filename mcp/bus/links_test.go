package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/state"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// linked is servers in this process that know each other only by links, which
// can be cut:
//
//	east ──► 127.a.b.12 ──(link, from 127.a.b.200)──► 127.a.b.2 north
type linked struct {
	t       *testing.T
	network string
	names   []string
	buses   []*bus.Bus

	mu    sync.Mutex
	cut   map[string]bool
	conns map[net.Conn][2]string // through a link, with its ends
	told  map[string][]events.Kind
	good  map[string]bool // tokens
}

func startLinked(t *testing.T) *linked {
	t.Helper()
	l := &linked{t: t, names: []string{"east-1", "north-1", "south-1"}, cut: map[string]bool{}, conns: map[net.Conn][2]string{}, told: map[string][]events.Kind{}, good: map[string]bool{}}
	for l.network == "" {
		network := fmt.Sprintf("127.%d.%d", 16+rand.IntN(16), rand.IntN(256))
		if mark, err := net.Listen("tcp", network+".254:7000"); err == nil {
			l.network = network
			t.Cleanup(func() { mark.Close() })
		}
	}
	peers := map[string]string{}
	for i, n := range l.names {
		peers[n] = n[:len(n)-2]
		for j := range l.names {
			if i != j {
				l.link(i, j)
			}
		}
	}
	for i, n := range l.names {
		who, err := trust.New(mcptest.Secret, n, trust.Node)
		if err != nil {
			t.Fatal(err)
		}
		l.buses = append(l.buses, bus.Start(bus.Config{
			Name: n, Region: peers[n], Host: l.addr(i), Dir: t.TempDir(), Peers: peers, Who: who, State: state.New(),
			Verify: l.verify,
			Lookup: func(peer string) (string, error) { return l.door(i, slices.Index(l.names, peer)), nil },
			Once: func(context.Context, *api.Command) (*api.Applied, error) {
				return nil, errors.New("no platform here")
			},
			Note: func(k events.Kind, _ string, _ map[string]string) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.told[n] = append(l.told[n], k)
			},
			Log: slog.New(slog.DiscardHandler),
		}))
	}
	t.Cleanup(func() {
		var all sync.WaitGroup
		for _, b := range l.buses {
			all.Go(func() { _ = b.Close() })
		}
		all.Wait()
	})
	return l
}

func (l *linked) addr(i int) string    { return fmt.Sprintf("%s.%d", l.network, i+1) }
func (l *linked) door(i, j int) string { return fmt.Sprintf("%s.%d", l.network, 10*(i+1)+j+1) }

// link opens the link by which server i reaches server j.
func (l *linked) link(i, j int) {
	l.t.Helper()
	routes := fmt.Sprint(nodespec.RoutePort)
	in, err := net.Listen("tcp", net.JoinHostPort(l.door(i, j), routes))
	if err != nil {
		l.t.Fatal(err)
	}
	var work sync.WaitGroup
	l.t.Cleanup(func() { in.Close(); work.Wait() })
	ends := [2]string{l.names[i], l.names[j]}
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(l.network + ".200")}, Timeout: time.Second}
	carry := func(a, b net.Conn) {
		_, _ = io.Copy(a, b)
		a.Close()
		b.Close()
	}
	work.Go(func() {
		for {
			a, err := in.Accept()
			if err != nil {
				return
			}
			b, err := from.Dial("tcp", net.JoinHostPort(l.addr(j), routes))
			if err != nil || !l.admit(ends, a, b) {
				a.Close()
				if err == nil {
					b.Close()
				}
				continue
			}
			work.Go(func() { carry(a, b) })
			work.Go(func() { carry(b, a) })
		}
	})
}

// admit notes a connection, unless its link is cut.
func (l *linked) admit(ends [2]string, both ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range both {
		l.conns[c] = ends
	}
	return !l.cut[ends[0]] && !l.cut[ends[1]]
}

// isolate cuts all links of a server; join mends them.
func (l *linked) isolate(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[name] = true
	for c, ends := range l.conns {
		if slices.Contains(ends[:], name) {
			c.Close()
		}
	}
}

func (l *linked) join(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[name] = false
}

// verify judges a token as the test last said.
func (l *linked) verify(token string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.good[token] {
		return errors.New("a bad token")
	}
	return nil
}

// tokenIs says whether a token is good from now on.
func (l *linked) tokenIs(token string, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.good[token] = good
}

// tells is how many events of a kind a server has told.
func (l *linked) tells(name string, k events.Kind) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.told[name] {
		if e == k {
			n++
		}
	}
	return n
}

func (l *linked) await(what string, limit time.Duration, holds func() bool) {
	l.t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// who is a user's identity.
func (l *linked) who() *trust.Identity {
	l.t.Helper()
	who, err := trust.New(mcptest.Secret, "user", trust.Client)
	if err != nil {
		l.t.Fatal(err)
	}
	return who
}

// user is a client of some servers alone. Clients reach all servers, always.
func (l *linked) user(servers ...string) *client.Bus {
	l.t.Helper()
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, fmt.Sprintf("%s:%d", s, nodespec.BusPort))
	}
	b, err := client.NewBus(client.BusConfig{Dial: l.dial, Identity: l.who(), Servers: addrs})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { b.Close() })
	return b
}

func (l *linked) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort(l.addr(slices.Index(l.names, name)), port))
}
