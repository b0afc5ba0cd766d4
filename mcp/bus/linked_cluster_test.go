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
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// linkedCluster is three servers in this process that reach each other only over links, which
// can be cut:
//
//	east ──► 127.a.b.12 ──(link, from 127.a.b.200)──► 127.a.b.2 north
type linkedCluster struct {
	t       *testing.T
	network string
	names   []string
	buses   []*bus.Bus

	mu          sync.Mutex
	cut         map[string]bool
	conns       map[net.Conn][2]string // over links, with the ends of the link
	emitted     map[string][]events.Kind
	validTokens map[string]bool // tokens
}

func startLinkedCluster(t *testing.T) *linkedCluster {
	t.Helper()
	l := &linkedCluster{t: t, names: []string{"east-1", "north-1", "south-1"}, cut: map[string]bool{}, conns: map[net.Conn][2]string{}, emitted: map[string][]events.Kind{}, validTokens: map[string]bool{}}
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
		who, err := pki.NewIdentity(mcptest.Secret, n, pki.Node)
		if err != nil {
			t.Fatal(err)
		}
		l.buses = append(l.buses, bus.Start(bus.Config{
			Name: n, Region: peers[n], Host: l.addr(i), Dir: t.TempDir(), Peers: peers, Identity: who, State: state.New(),
			VerifyToken: l.verify,
			Lookup:      func(peer string) (string, error) { return l.linkAddr(i, slices.Index(l.names, peer)), nil },
			Commit: func(context.Context, *api.Command) (*api.Applied, error) {
				return nil, errors.New("no platform here")
			},
			Emit: func(k events.Kind, _ string, _ map[string]string) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.emitted[n] = append(l.emitted[n], k)
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

func (l *linkedCluster) addr(i int) string { return fmt.Sprintf("%s.%d", l.network, i+1) }
func (l *linkedCluster) linkAddr(i, j int) string {
	return fmt.Sprintf("%s.%d", l.network, 10*(i+1)+j+1)
}

// link opens the link over which server i reaches server j.
func (l *linkedCluster) link(i, j int) {
	l.t.Helper()
	routes := fmt.Sprint(nodespec.RoutePort)
	in, err := net.Listen("tcp", net.JoinHostPort(l.linkAddr(i, j), routes))
	if err != nil {
		l.t.Fatal(err)
	}
	var work sync.WaitGroup
	l.t.Cleanup(func() { in.Close(); work.Wait() })
	ends := [2]string{l.names[i], l.names[j]}
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(l.network + ".200")}, Timeout: time.Second}
	forward := func(a, b net.Conn) {
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
			if err != nil || !l.track(ends, a, b) {
				a.Close()
				if err == nil {
					b.Close()
				}
				continue
			}
			work.Go(func() { forward(a, b) })
			work.Go(func() { forward(b, a) })
		}
	})
}

// track records a connection, and reports whether its link is not cut.
func (l *linkedCluster) track(ends [2]string, both ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range both {
		l.conns[c] = ends
	}
	return !l.cut[ends[0]] && !l.cut[ends[1]]
}

// isolate cuts all links of a server; join restores them.
func (l *linkedCluster) isolate(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[name] = true
	for c, ends := range l.conns {
		if slices.Contains(ends[:], name) {
			c.Close()
		}
	}
}

func (l *linkedCluster) join(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[name] = false
}

// verify accepts the tokens that setTokenValid has made valid.
func (l *linkedCluster) verify(token string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.validTokens[token] {
		return errors.New("a bad token")
	}
	return nil
}

// setTokenValid sets whether a token is valid from now on.
func (l *linkedCluster) setTokenValid(token string, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.validTokens[token] = good
}

// eventCount is how many events of a kind a server has emitted.
func (l *linkedCluster) eventCount(name string, k events.Kind) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.emitted[name] {
		if e == k {
			n++
		}
	}
	return n
}

func (l *linkedCluster) await(what string, limit time.Duration, holds func() bool) {
	l.t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// identity is that of a user.
func (l *linkedCluster) identity() *pki.Identity {
	l.t.Helper()
	who, err := pki.NewIdentity(mcptest.Secret, "user", pki.Client)
	if err != nil {
		l.t.Fatal(err)
	}
	return who
}

// clientOf returns a client that uses only some servers. Clients reach all servers at any time.
func (l *linkedCluster) clientOf(servers ...string) *client.Bus {
	l.t.Helper()
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, fmt.Sprintf("%s:%d", s, nodespec.BusPort))
	}
	b, err := client.NewBus(client.BusConfig{Dial: l.dial, Identity: l.identity(), Servers: addrs})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { b.Close() })
	return b
}

func (l *linkedCluster) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, net.JoinHostPort(l.addr(slices.Index(l.names, name)), port))
}
