// Package client is the platform's Go client. It finds a gateway through the GSLB, the
// servers of its own region first, stays with it while it serves, and moves to another
// when it fails, is slow to answer, or refuses. It never sends a mutation twice. The
// caller may, with the same id.
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
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// Config is how a client finds the platform.
type Config struct {
	// Dial connects to logical addresses such as "north-1:7400".
	Dial api.DialFunc
	// GSLB lists the logical addresses of the DNS servers, those of the client's own
	// region first. They are asked over TLS.
	GSLB []string
	// Identity verifies the nodes, and authenticates the client when it is issued its first
	// token. After that its calls carry tokens.
	Identity *pki.Identity
	// IdentityServers lists the logical addresses of the nodes that issue tokens, those of
	// the client's own region first.
	IdentityServers []string
	// Log gets a line when no token can be had. Nil discards it.
	Log *slog.Logger
	// Zone is the service's name; empty means "mcp.".
	Zone string
	// Seed is that of the weighted random choice of a gateway.
	Seed uint64
}

// Identity is the certificate of a caller of the platform, and the authority that verifies
// the nodes' certificates.
type Identity = pki.Identity

// NewIdentity makes the identity of a client from the platform's secret.
func NewIdentity(secret, name string) (*Identity, error) {
	return pki.NewIdentity(secret, name, pki.Client)
}

// NewOperatorIdentity makes the identity of an operator, who may add and remove
// nodes, from the platform's secret.
func NewOperatorIdentity(secret, name string) (*Identity, error) {
	return pki.NewIdentity(secret, name, pki.Operator)
}

// SlowThreshold is how long a gateway may take to answer before later calls go to
// another one. A gateway that is up answers, refuses or sends a header sooner.
const SlowThreshold = 1200 * time.Millisecond

// Client is safe for concurrent use. Create it with New, end it with Close.
type Client struct {
	cfg Config
	// secureDial is cfg.Dial followed by a mutual TLS handshake.
	secureDial pki.DialFunc
	tokens     *tokenSource
	ctx        context.Context // ends at Close
	stop       context.CancelFunc
	work       sync.WaitGroup

	mu         sync.Mutex
	current    *gatewayConn // nil until found
	searching  *search      // the search under way, nil when there is none
	avoidUntil map[string]time.Time
	rng        weightedRand
}

// gatewayConn is a connection to a gateway. It is closed when the client has dropped it
// and its last call has returned.
type gatewayConn struct {
	node          string
	conn          *grpc.ClientConn
	calls         int
	dropped       bool
	droppedSignal chan struct{} // closed when dropped
	expires       time.Time     // when the DNS answer that named it expires
}

// New makes a client. It asks for a token at once, and for a gateway at the first call.
func New(cfg Config) (*Client, error) {
	if cfg.Dial == nil || cfg.Identity == nil || len(cfg.GSLB) == 0 || len(cfg.IdentityServers) == 0 {
		return nil, errors.New("new client: the configuration needs Dial, Identity, GSLB and IdentityServers")
	}
	if cfg.Zone == "" {
		cfg.Zone = nodespec.DNSZone
	}
	c := &Client{cfg: cfg, secureDial: pki.Dialer(cfg.Identity.ClientConfig(), pki.DialFunc(cfg.Dial)), avoidUntil: map[string]time.Time{}, rng: newWeightedRand(cfg.Seed)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.tokens = newTokenSource(cfg, c.work.Go)
	c.work.Go(func() { c.tokens.run(c.ctx) })
	return c, nil
}

// Close ends the client. Calls that are under way fail.
func (c *Client) Close() error {
	c.mu.Lock()
	c.stop() // under the lock: no search starts after it
	c.mu.Unlock()
	c.work.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drop(c.current)
}

// NewID makes an id for a mutation. A retry that carries the same id is never applied twice.
func NewID() string { return rand.Text() }

// Error is the error of a failed call.
type Error struct {
	Op       string // "write x"
	Node     string // the gateway that was called, "" if none was found
	NoEffect bool   // it is proved that the call had no effect and never will
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

// NoEffect reports whether an error proves that the call had no effect. Otherwise a
// mutation may take effect at any later time.
func NoEffect(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.NoEffect
}

// Rejected reports whether a server answered a call by refusing it. That is not so for
// a call that found no server, or that got no answer.
func Rejected(err error) bool {
	return api.Refused(err) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// callKV is call for the service of registers and sets.
func (c *Client) callKV(ctx context.Context, op string, do func(context.Context, api.KVClient) error) error {
	return c.call(ctx, op, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		return do(ctx, api.NewKVClient(conn))
	})
}

// call makes one call at the present gateway, and drops the gateway if it is slow or fails.
func (c *Client) call(ctx context.Context, op string, do func(context.Context, grpc.ClientConnInterface) error) error {
	g, err := c.acquire(ctx)
	if err != nil {
		return &Error{Op: op, NoEffect: true, Err: err}
	}
	ctx, sent := api.WithSent(ctx)
	slow := time.AfterFunc(SlowThreshold, func() {
		if !sent.Heard() {
			c.avoid(g)
		}
	})
	err = do(ctx, g.conn)
	slow.Stop()
	if status.Code(err) == codes.Unauthenticated {
		c.tokens.reject()
	}
	if after, busy := overloadBackoff(err); busy {
		if after > 0 {
			c.backOff(g, after)
		}
	} else if err != nil && !notServersFault(ctx, err) {
		c.avoid(g)
	}
	c.release(g)
	if err != nil {
		return &Error{Op: op, Node: g.node, NoEffect: api.Refused(err) || !sent.Yes(), Err: err}
	}
	return nil
}
