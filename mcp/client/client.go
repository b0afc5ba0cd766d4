// Package client is how a Go program uses the platform. It finds a gateway
// through the GSLB of its own region first, keeps to it while it serves, and
// moves to another when it fails, is slow to answer, or refuses. It never
// sends a mutation twice by itself; the caller may, with the same ID.
package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Config is how a client finds the platform.
type Config struct {
	// Dial connects to logical addresses such as "north-1:7400".
	Dial api.DialFunc
	// GSLB is the logical addresses of the DNS servers, those of the client's own region
	// first; they are asked over TLS.
	GSLB []string
	// Who is this client: it knows the nodes by it, and proves itself to be issued its
	// first token. Its calls carry tokens.
	Who *trust.Identity
	// Identity is the logical addresses of the nodes that issue tokens, those of
	// the client's own region first.
	Identity []string
	// Log is told when tokens cannot be had; nil means nobody.
	Log *slog.Logger
	// Zone is the service's name; empty means "mcp.".
	Zone string
	// Seed makes the weighted choice of a gateway repeatable.
	Seed uint64
}

// Slow is how long a gateway may take to answer before later calls go to
// another one. A gateway that is alive answers, refuses or says that it is
// trying again sooner.
const Slow = 1200 * time.Millisecond

// Client is safe for concurrent use. Create it with New, end it with Close.
type Client struct {
	cfg Config
	// secure is cfg.Dial, after which both sides know each other.
	secure trust.DialFunc
	wallet *wallet
	ctx    context.Context // ends at Close
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	current *gateway // nil until found
	finding *finding // the search under way, nil when there is none
	shunned map[string]time.Time
	draw    draw
}

// gateway is a connection to a node, closed when the client has left it and
// its last call is done.
type gateway struct {
	node  string
	conn  *grpc.ClientConn
	calls int
	left  bool
	gone  chan struct{} // closed when left
	until time.Time     // when the answer that named it expires
}

// New makes a client. It asks for a token at once, and for a gateway at the first call.
func New(cfg Config) (*Client, error) {
	if cfg.Dial == nil || cfg.Who == nil || len(cfg.GSLB) == 0 || len(cfg.Identity) == 0 {
		return nil, errors.New("new client: it needs a dial function, an identity, and the addresses of GSLB servers and of identity nodes")
	}
	if cfg.Zone == "" {
		cfg.Zone = nodespec.DNSZone
	}
	c := &Client{cfg: cfg, secure: trust.Dialer(cfg.Who.Dial(), trust.DialFunc(cfg.Dial)), shunned: map[string]time.Time{}, draw: newDraw(cfg.Seed)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.wallet = newWallet(cfg, c.work.Go)
	c.work.Go(func() { c.wallet.run(c.ctx) })
	return c, nil
}

// Close ends the client; calls under way fail.
func (c *Client) Close() error {
	c.mu.Lock()
	c.stop() // under the lock: no search starts after it
	c.mu.Unlock()
	c.work.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leave(c.current)
}

// NewID makes an id for a mutation. A retry that carries the same id is never applied twice.
func NewID() string { return rand.Text() }

// Error is a call that failed.
type Error struct {
	Op       string // "write x"
	Node     string // the gateway asked, "" when none was found
	NoEffect bool   // proved: the call did nothing and never will
	Err      error
}

func (e *Error) Error() string {
	effect := "outcome unknown"
	if e.NoEffect {
		effect = "no effect"
	}
	return fmt.Sprintf("%s through %q: %v (%s)", e.Op, e.Node, e.Err, effect)
}

func (e *Error) Unwrap() error { return e.Err }

// NoEffect says whether an error proves that the call had no effect. Without
// that proof a mutation may take effect at any later time.
func NoEffect(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.NoEffect
}

// Answered says whether a server answered a call by refusing it. A call that
// found no server, or whose answer never came, was not answered.
func Answered(err error) bool {
	return api.Refused(err) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// call is on for calls of the ledger.
func (c *Client) call(ctx context.Context, op string, do func(context.Context, api.LedgerClient) error) error {
	return c.on(ctx, op, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, api.NewLedgerClient(conn))
	})
}

// on makes one call at the present gateway and judges what it tells of it.
func (c *Client) on(ctx context.Context, op string, do func(context.Context, grpc.ClientConnInterface) error) error {
	g, err := c.enter(ctx)
	if err != nil {
		return &Error{Op: op, NoEffect: true, Err: err}
	}
	ctx, sent := api.WithSent(ctx)
	slow := time.AfterFunc(Slow, func() {
		if !sent.Heard() {
			c.shun(g)
		}
	})
	err = do(ctx, g.conn)
	slow.Stop()
	if status.Code(err) == codes.Unauthenticated {
		c.wallet.refused()
	}
	if after, busy := exhausted(err); busy {
		if after > 0 {
			c.spare(g, after)
		}
	} else if err != nil && !innocent(ctx, err) {
		c.shun(g)
	}
	c.exit(g)
	if err != nil {
		return &Error{Op: op, Node: g.node, NoEffect: api.Refused(err) || !sent.Yes(), Err: err}
	}
	return nil
}
