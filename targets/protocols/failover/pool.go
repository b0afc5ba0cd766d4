// Package failover keeps connections to the nodes of a system, and chooses the node that an operation is
// sent to, as a careful client does:
//
//   - A new connection counts only once the node itself has answered on it, because a link's proxy accepts
//     connections for a node that is dead. Until then nothing of an operation has been sent.
//   - A node whose connection breaks, or that says it does not serve, is down: it is asked for nothing until a
//     check in the background has opened a connection to it again.
//   - A node that is slow is checked in the background while it is used. It is down only if the check fails and no
//     operation was answered meanwhile, so that slowness alone does not make a client leave the only primary.
//   - Where all nodes are down an operation fails at once, with the reason for each node.
//
// Nothing is ever sent twice.
package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/topology"
)

// Conn is a connection to one node.
type Conn interface {
	// Usable reports whether the connection, which nobody uses, is still open. It must not block.
	Usable() bool
	Close() error
}

// Config says what a pool connects to. Open is required, and Endpoints or Discover.
type Config[C Conn] struct {
	// Endpoints are tried in this order.
	Endpoints []protocols.Endpoint
	// Open makes a connection and returns once the node has answered that it serves.
	Open func(ctx context.Context, to protocols.Endpoint) (C, error)
	// Discover, if set, finds the only endpoint that is to be used now, such as the primary that a directory names.
	Discover func(ctx context.Context) (protocols.Endpoint, error)
	// OpenTimeout bounds Discover and Open. Zero means DefaultOpenTimeout.
	OpenTimeout time.Duration
}

// DefaultOpenTimeout leaves time for the handshake of a distant region on a busy machine.
const DefaultOpenTimeout = time.Second

const (
	slowAfter     = 300 * time.Millisecond // an operation that takes longer makes its node be checked
	urgentRecheck = 100 * time.Millisecond // between checks while no node serves
	calmRecheck   = 500 * time.Millisecond // between checks while a node serves
	maxIdle       = 32                     // connections kept for each node
)

// NoServingNode is the error of an operation that was not sent, because no node serves.
type NoServingNode struct{ Reasons []error }

func (e NoServingNode) Error() string {
	return "no node serves: " + strings.ReplaceAll(errors.Join(e.Reasons...).Error(), "\n", "; ") // on one line
}

// Unwrap gives the reasons.
func (e NoServingNode) Unwrap() []error { return e.Reasons }

// Down wraps an answer which says that the node does not serve now, and that another may.
type Down struct{ Err error }

func (e Down) Error() string { return e.Err.Error() }

// Unwrap gives the answer.
func (e Down) Unwrap() error { return e.Err }

// ErrSpent says that an operation was answered on a connection which cannot be used again.
var ErrSpent = errors.New("the server closes the connection after its answer")

// Pool is the connections of one client. It is safe for concurrent use.
type Pool[C Conn] struct {
	cfg    Config[C]
	ctx    context.Context
	cancel context.CancelFunc
	checks sync.WaitGroup
	wake   chan struct{}

	mu      sync.Mutex
	nodes   map[topology.NodeID]*node[C]
	sought  bool                // Discover has been called
	current *protocols.Endpoint // what it has found
	closed  bool
}

// node is what a pool knows of one endpoint. A node that has never been tried is not down.
type node[C Conn] struct {
	idle      []C
	down      error     // why it is not used, or nil
	suspected bool      // it is slow, and to be checked
	answered  time.Time // when it last answered an operation
}

// New makes a pool. It connects to nothing yet.
func New[C Conn](cfg Config[C]) *Pool[C] {
	if cfg.OpenTimeout == 0 {
		cfg.OpenTimeout = DefaultOpenTimeout
	}
	p := &Pool[C]{cfg: cfg, nodes: map[topology.NodeID]*node[C]{}, wake: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(context.Background()) // Close ends it
	for _, e := range cfg.Endpoints {
		p.nodes[e.Node] = &node[C]{}
	}
	p.checks.Go(p.checkForever)
	return p
}

// Use calls f once, with a connection to the first endpoint that serves. It returns NoServingNode if there is none, and
// f has not been called then. The connection is kept if f returns nil, and closed otherwise. After an error other
// than ErrSpent the node is down, unless ctx has ended: then it is only checked.
func (p *Pool[C]) Use(ctx context.Context, f func(via protocols.Endpoint, c C) error) error {
	via, c, err := p.get(ctx)
	if err != nil {
		return err
	}
	slow := time.AfterFunc(slowAfter, func() { p.suspect(via) })
	err = f(via, c)
	slow.Stop()
	var down Down
	switch {
	case err == nil:
		p.put(via, c)
	case errors.Is(err, ErrSpent):
		_ = c.Close()
	case ctx.Err() != nil && !errors.As(err, &down): // the caller gave up, which says little about the node
		_ = c.Close()
		p.suspect(via)
	default:
		_ = c.Close()
		p.setDown(via, err)
	}
	return nil
}

// get returns a connection to the first endpoint that serves.
func (p *Pool[C]) get(ctx context.Context) (protocols.Endpoint, C, error) {
	var none C
	endpoints := p.cfg.Endpoints
	if p.cfg.Discover != nil {
		e, err := p.discovered(ctx)
		if err != nil {
			return protocols.Endpoint{}, none, NoServingNode{[]error{err}}
		}
		endpoints = []protocols.Endpoint{e}
	}
	var reasons []error
	for _, e := range endpoints {
		c, usable, err := p.take(e)
		if usable {
			return e, c, nil
		}
		if err == nil {
			if c, err = p.open(ctx, e); err == nil {
				return e, c, nil
			}
			if ctx.Err() == nil {
				p.setDown(e, err)
			} else {
				p.suspect(e) // the caller gave up first
			}
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", e.Node, err))
		if ctx.Err() != nil {
			break
		}
	}
	return protocols.Endpoint{}, none, NoServingNode{reasons}
}

// take removes an idle connection of an endpoint. The error says why the endpoint is not to be used.
func (p *Pool[C]) take(e protocols.Endpoint) (c C, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.node(e)
	if p.closed {
		return c, false, errors.New("the client is closed")
	}
	if n.down != nil {
		return c, false, n.down
	}
	for len(n.idle) > 0 {
		c = n.idle[len(n.idle)-1]
		n.idle = n.idle[:len(n.idle)-1]
		if c.Usable() {
			return c, true, nil
		}
		_ = c.Close()
	}
	return c, false, nil
}

// node returns the state of an endpoint. The caller holds mu.
func (p *Pool[C]) node(e protocols.Endpoint) *node[C] {
	n := p.nodes[e.Node]
	if n == nil {
		n = &node[C]{}
		p.nodes[e.Node] = n
	}
	return n
}

func (p *Pool[C]) open(ctx context.Context, e protocols.Endpoint) (C, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.OpenTimeout)
	defer cancel()
	return p.cfg.Open(ctx, e)
}

func (p *Pool[C]) put(e protocols.Endpoint, c C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.node(e)
	n.answered = time.Now()
	if p.closed || n.down != nil || len(n.idle) >= maxIdle {
		_ = c.Close()
		return
	}
	n.idle = append(n.idle, c)
}

// setDown stops the use of an endpoint until a check succeeds. Its idle connections are as doubtful as the
// one that failed.
func (p *Pool[C]) setDown(e protocols.Endpoint, why error) {
	p.mu.Lock()
	n := p.node(e)
	n.down = why
	p.closeIdle(n)
	p.mu.Unlock()
	p.wakeChecks()
}

func (p *Pool[C]) suspect(e protocols.Endpoint) {
	p.mu.Lock()
	p.node(e).suspected = true
	p.mu.Unlock()
	p.wakeChecks()
}

func (p *Pool[C]) closeIdle(n *node[C]) {
	for _, c := range n.idle {
		_ = c.Close()
	}
	n.idle = nil
}

// Close ends the pool. Connections in use are closed when they are given back.
func (p *Pool[C]) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.checks.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.nodes {
		p.closeIdle(n)
	}
	return nil
}
