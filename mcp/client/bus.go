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
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// BusConfig is how a client finds the message bus. All of it is needed.
type BusConfig struct {
	// Dial connects to logical addresses such as "north-1:7420".
	Dial api.DialFunc
	// Who proves the client to the servers, and they to it.
	Who *trust.Identity
	// Servers is the logical addresses of the servers, that of the client's own
	// region first.
	Servers []string
}

// Bus publishes and consumes through one server, that of its own region while
// it serves, and moves to another when it hangs up or is slow to answer. The
// library's own reconnecting is off: it would send again what was under way.
// It is safe for concurrent use. Create it with NewBus, end it with Close.
type Bus struct {
	cfg  BusConfig
	ctx  context.Context // ends at Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	current *berth
	finding *finding             // the search under way, nil when there is none
	shunned map[string]time.Time // when a server was left, by address
}

// berth is a connection to a server, closed when the client has left it and
// its last call is done.
type berth struct {
	addr  string
	conn  *nats.Conn
	js    jetstream.JetStream
	calls int
	left  bool
}

// NewBus makes a client of the bus. It connects at the first call.
func NewBus(cfg BusConfig) (*Bus, error) {
	if cfg.Dial == nil || cfg.Who == nil || len(cfg.Servers) == 0 {
		return nil, errors.New("new client of the bus: it needs a dial function, an identity and the addresses of servers")
	}
	b := &Bus{cfg: cfg, shunned: map[string]time.Time{}}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b, nil
}

// Close ends the client; calls under way fail.
func (b *Bus) Close() error {
	b.mu.Lock()
	b.stop() // under the lock: no search starts after it
	if g := b.current; g != nil {
		b.leave(g)
		g.conn.Close()
	}
	b.mu.Unlock()
	b.work.Wait()
	return nil
}

// Publish puts a message into a stream and returns its sequence number there
// once a majority of the servers has it on disk. The id is NewID's; a retry that
// carries the same one within two minutes is kept once.
func (b *Bus) Publish(ctx context.Context, id, stream, message string) (seq uint64, err error) {
	err = b.call(ctx, "publish to "+stream, func(ctx context.Context, g *berth) error {
		ack, err := g.js.Publish(ctx, api.Subject(stream), []byte(message), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// call makes one call at the present server. Only that nobody took the
// message, as the server itself says, proves that it had no effect.
func (b *Bus) call(ctx context.Context, op string, do func(context.Context, *berth) error) error {
	g, err := b.enter(ctx)
	if err != nil {
		return &Error{Op: op, NoEffect: true, Err: err}
	}
	slow := time.AfterFunc(Slow, func() { b.shun(g) })
	err = do(ctx, g)
	slow.Stop()
	b.exit(g)
	if err != nil {
		return &Error{Op: op, Node: g.addr, NoEffect: errors.Is(err, jetstream.ErrNoStreamResponse), Err: err}
	}
	return nil
}

// enter returns the present server, finding one if there is none.
func (b *Bus) enter(ctx context.Context) (*berth, error) {
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
		f := b.find()
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

// exit ends a call.
func (b *Bus) exit(g *berth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.calls--; g.left && g.calls == 0 {
		g.conn.Close()
	}
}

// leave stops using a server; the caller holds the lock.
func (b *Bus) leave(g *berth) {
	if g.left {
		return
	}
	g.left = true
	if b.current == g {
		b.current = nil
	}
}

// shun leaves a server that does not serve and tries it last from now on.
func (b *Bus) shun(g *berth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.left {
		return
	}
	b.shunned[g.addr] = time.Now()
	b.leave(g)
	if g.calls == 0 {
		// The library calls us from the connection's own goroutine.
		b.work.Go(g.conn.Close)
	}
	if b.ctx.Err() == nil {
		b.find()
	}
}

// find starts a search unless one is under way; the caller holds the lock.
func (b *Bus) find() *finding {
	if b.finding != nil {
		return b.finding
	}
	f := &finding{done: make(chan struct{})}
	b.finding = f
	b.work.Go(func() {
		defer close(f.done)
		order := b.order()
		g, err := hedge(b.ctx, b.work.Go, len(order),
			func(_ context.Context, i int) (*berth, error) { return b.open(order[i]) },
			func(g *berth) { g.conn.Close() })
		b.mu.Lock()
		defer b.mu.Unlock()
		b.finding = nil
		if err != nil {
			f.err = fmt.Errorf("find a server of the bus: %w", err)
			return
		}
		if b.ctx.Err() != nil || g.conn.IsClosed() {
			g.conn.Close()
			f.err = errors.New("find a server of the bus: it hung up at once")
			return
		}
		b.current = g
	})
	return f
}

// order says in which order to try the servers: as they were given, but those
// that were left lately last, the least recent first.
func (b *Bus) order() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.cfg.Servers)
	left := func(addr string) time.Time {
		if at := b.shunned[addr]; time.Since(at) < shunFor {
			return at
		}
		return time.Time{}
	}
	slices.SortStableFunc(out, func(x, y string) int { return left(x).Compare(left(y)) })
	return out
}

// open connects to a server.
func (b *Bus) open(addr string) (*berth, error) {
	g := &berth{addr: addr}
	secure, err := trust.For(b.cfg.Who.Dial(), addr)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect("nats://"+addr,
		nats.Secure(secure), nats.TLSHandshakeFirst(),
		nats.SetCustomDialer(dialer{b.ctx, b.cfg.Dial}), nats.SkipHostLookup(), nats.IgnoreDiscoveredServers(),
		nats.NoReconnect(), nats.Timeout(askLimit), nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2),
		nats.ClosedHandler(func(*nats.Conn) { b.shun(g) }),
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

// dialer gives the library the client's own way to connect.
type dialer struct {
	ctx  context.Context
	dial api.DialFunc
}

// Dial implements nats.CustomDialer.
func (d dialer) Dial(network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, askLimit)
	defer cancel()
	return d.dial(ctx, network, addr)
}
