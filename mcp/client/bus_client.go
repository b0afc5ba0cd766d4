package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// BusConfig is how a client finds the message bus. All fields are required.
type BusConfig struct {
	// Dial connects to logical addresses such as "north-1:7420".
	Dial api.DialFunc
	// Identity authenticates the client and verifies the servers.
	Identity *pki.Identity
	// Servers lists the logical addresses of the servers, that of the client's own region
	// first.
	Servers []string
}

// Bus publishes and consumes through one server, that of its own region while it serves,
// and moves to another when the server closes the connection or is slow to answer. The
// NATS library's own reconnecting is off, because it would send again what was under
// way. A Bus is safe for concurrent use. Create it with NewBus, end it with Close.
type Bus struct {
	cfg  BusConfig
	ctx  context.Context // ends at Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu        sync.Mutex
	current   *serverConn
	searching *search              // the search under way, nil when there is none
	avoidedAt map[string]time.Time // since when servers are avoided, by address
}

// serverConn is a connection to a server of the bus. It is closed when the client has
// dropped it and its last call has returned.
type serverConn struct {
	addr    string
	conn    *nats.Conn
	js      jetstream.JetStream
	calls   int
	dropped bool
}

// NewBus makes a client of the bus. It connects at the first call.
func NewBus(cfg BusConfig) (*Bus, error) {
	if cfg.Dial == nil || cfg.Identity == nil || len(cfg.Servers) == 0 {
		return nil, errors.New("new client of the bus: the configuration needs Dial, Identity and Servers")
	}
	b := &Bus{cfg: cfg, avoidedAt: map[string]time.Time{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b, nil
}

// Close ends the client. Calls that are under way fail.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.stop() // under the lock: no search starts after it
	if g := b.current; g != nil {
		b.drop(g)
		g.conn.Close()
	}
	b.mu.Unlock()
	b.work.Wait()
	return nil
}

// Publish appends a message to a stream, and returns its sequence number there once a
// majority of the servers has it on disk. The id comes from NewID. Messages with the same
// id within two minutes are stored once.
func (b *Bus) Publish(ctx context.Context, id, stream, message string) (seq uint64, err error) {
	err = b.call(ctx, "publish to "+stream, func(ctx context.Context, g *serverConn) error {
		ack, err := g.js.Publish(ctx, api.Subject(stream), []byte(message), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// call makes one call at the present server, and avoids the server if it is slow. Only
// the server's answer that no stream took the message proves that the call had no effect.
func (b *Bus) call(ctx context.Context, op string, do func(context.Context, *serverConn) error) error {
	g, err := b.acquire(ctx)
	if err != nil {
		return &Error{Op: op, NoEffect: true, Err: err}
	}
	slow := time.AfterFunc(SlowThreshold, func() { b.avoid(g) })
	err = do(ctx, g)
	slow.Stop()
	b.release(g)
	if err != nil {
		return &Error{Op: op, Node: g.addr, NoEffect: errors.Is(err, jetstream.ErrNoStreamResponse), Err: err}
	}
	return nil
}

// acquire returns the present server for one call, or searches one if there is none.
func (b *Bus) acquire(ctx context.Context) (*serverConn, error) {
	for {
		b.mu.Lock()
		if b.ctx.Err() != nil {
			b.mu.Unlock()
			return nil, errors.New("the client is closed")
		}
		if g := b.current; g != nil {
			g.calls++
			b.mu.Unlock()
			return g, nil
		}
		f := b.startSearch()
		b.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, f.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("find a server of the bus: %w", ctx.Err())
		}
	}
}

// release ends a call at a server.
func (b *Bus) release(g *serverConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.calls--; g.dropped && g.calls == 0 {
		g.conn.Close()
	}
}

// drop stops using a server. The caller holds the lock.
func (b *Bus) drop(g *serverConn) {
	if g.dropped {
		return
	}
	g.dropped = true
	if b.current == g {
		b.current = nil
	}
}

// avoid drops a server that does not serve, and tries it last for avoidPeriod.
func (b *Bus) avoid(g *serverConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.dropped {
		return
	}
	b.avoidedAt[g.addr] = time.Now()
	b.drop(g)
	if g.calls == 0 {
		// NATS calls this from the connection's own goroutine, which Close waits for.
		b.work.Go(g.conn.Close)
	}
	if b.ctx.Err() == nil {
		b.startSearch()
	}
}

// startSearch starts a search unless one is under way. The caller holds the lock.
func (b *Bus) startSearch() *search {
	if b.searching != nil {
		return b.searching
	}
	f := &search{done: make(chan struct{})}
	b.searching = f
	b.work.Go(func() {
		defer close(f.done)
		order := b.tryOrder()
		g, err := hedge(b.ctx, b.work.Go, len(order),
			func(_ context.Context, i int) (*serverConn, error) { return b.connect(order[i]) },
			func(g *serverConn) { g.conn.Close() })
		b.mu.Lock()
		defer b.mu.Unlock()
		b.searching = nil
		if err != nil {
			f.err = fmt.Errorf("find a server of the bus: %w", err)
			return
		}
		if b.ctx.Err() != nil || g.conn.IsClosed() {
			g.conn.Close()
			f.err = errors.New("find a server of the bus: the server closed the connection at once")
			return
		}
		b.current = g
	})
	return f
}

// tryOrder returns the order in which to try the servers: as they are configured, but
// those that are avoided last, the least recently avoided first.
func (b *Bus) tryOrder() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.cfg.Servers)
	avoided := func(addr string) time.Time {
		if at := b.avoidedAt[addr]; time.Since(at) < avoidPeriod {
			return at
		}
		return time.Time{}
	}
	slices.SortStableFunc(out, func(x, y string) int { return avoided(x).Compare(avoided(y)) })
	return out
}

// connect connects to a server.
func (b *Bus) connect(addr string) (*serverConn, error) {
	g := &serverConn{addr: addr}
	secure, err := pki.ExpectHost(b.cfg.Identity.ClientConfig(), addr)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect("nats://"+addr,
		nats.Secure(secure), nats.TLSHandshakeFirst(),
		nats.SetCustomDialer(natsDialer{b.ctx, b.cfg.Dial}), nats.SkipHostLookup(), nats.IgnoreDiscoveredServers(),
		nats.NoReconnect(), nats.Timeout(requestTimeout), nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2),
		nats.ClosedHandler(func(*nats.Conn) { b.avoid(g) }),
	)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	g.conn = conn
	if g.js, err = jetstream.New(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return g, nil
}

// natsDialer makes the NATS library connect with BusConfig.Dial.
type natsDialer struct {
	ctx  context.Context
	dial api.DialFunc
}

// Dial implements nats.CustomDialer.
func (d natsDialer) Dial(network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, requestTimeout)
	defer cancel()
	return d.dial(ctx, network, addr)
}
