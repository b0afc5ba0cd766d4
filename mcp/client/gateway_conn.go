package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// avoidPeriod is how long a server that failed is not chosen again.
const avoidPeriod = 3 * time.Second

// notServersFault reports whether a failed call says nothing against the server: the
// caller cancelled it or asked for something impossible, or the server reports in time
// that the leader failed.
func notServersFault(ctx context.Context, err error) bool {
	code := status.Code(err)
	return errors.Is(ctx.Err(), context.Canceled) || code == codes.InvalidArgument || code == codes.Aborted
}

// search is a search for a server, which all waiting calls share.
type search struct {
	done chan struct{}
	err  error
}

// acquire returns the present gateway for one call, or searches one if there is none.
func (c *Client) acquire(ctx context.Context) (*gatewayConn, error) {
	for {
		c.mu.Lock()
		if c.ctx.Err() != nil {
			c.mu.Unlock()
			return nil, errors.New("the client is closed")
		}
		if g := c.current; g != nil {
			g.calls++
			if time.Now().After(g.expires) {
				c.startSearch() // g goes on serving meanwhile
			}
			c.mu.Unlock()
			return g, nil
		}
		f := c.startSearch()
		c.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, f.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("find a gateway: %w", ctx.Err())
		}
	}
}

// release ends a call at a gateway.
func (c *Client) release(g *gatewayConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.calls--; g.dropped && g.calls == 0 {
		_ = g.conn.Close()
	}
}

// drop stops using a gateway. The caller holds the lock.
func (c *Client) drop(g *gatewayConn) error {
	if g == nil || g.dropped {
		return nil
	}
	g.dropped = true
	close(g.droppedSignal)
	if c.current == g {
		c.current = nil
	}
	if g.calls == 0 {
		return g.conn.Close()
	}
	return nil
}

// avoid drops a gateway that does not serve, and does not choose it for avoidPeriod.
func (c *Client) avoid(g *gatewayConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.dropped {
		return
	}
	c.avoidUntil[g.node] = time.Now().Add(avoidPeriod)
	_ = c.drop(g)
	if c.ctx.Err() == nil {
		c.startSearch()
	}
}

// startSearch starts a search unless one is under way. The caller holds the lock.
func (c *Client) startSearch() *search {
	if c.searching != nil {
		return c.searching
	}
	f := &search{done: make(chan struct{})}
	c.searching = f
	c.work.Go(func() {
		defer close(f.done)
		f.err = c.search()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.searching = nil
		if g := c.current; f.err != nil && g != nil {
			g.expires = time.Now().Add(time.Second) // the search failed, so stay with this gateway for now
		}
	})
	return f
}

// search asks the GSLB. It stays with the present gateway if the answers still give that
// weight. Otherwise it moves to one that they give weight to and that serves.
func (c *Client) search() error {
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	_, err := c.tokens.get(ctx) // without one every gateway would refuse, and be avoided for it
	cancel()
	if err != nil {
		return err
	}
	answers, err := c.lookup(c.ctx)
	if err != nil {
		return err
	}
	expires := time.Now().Add(minTTL(answers))
	c.mu.Lock()
	order := c.tryOrder(answers)
	if g := c.current; g != nil && (c.prefers(g, answers) || order[0].node == g.node) {
		g.expires = expires
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	g, err := hedge(c.ctx, c.work.Go, len(order),
		func(ctx context.Context, i int) (*gatewayConn, error) { return c.connect(ctx, order[i]) },
		func(g *gatewayConn) { _ = g.conn.Close() })
	if err != nil {
		return fmt.Errorf("find a gateway: %w", err)
	}
	g.expires = expires
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.drop(c.current)
	c.current = g
	c.work.Go(func() { c.watchConn(g) })
	return nil
}

// prefers reports whether the answers give a gateway weight and it is not avoided. The
// caller holds the lock.
func (c *Client) prefers(g *gatewayConn, answers []answer) bool {
	return !time.Now().Before(c.avoidUntil[g.node]) &&
		slices.ContainsFunc(answers, func(a answer) bool { return a.node == g.node && a.weight > 0 })
}

// tryOrder returns the order in which to try the gateways: those with weight that are
// not avoided, drawn by weight; then the rest, the least recently avoided first. The
// caller holds the lock.
func (c *Client) tryOrder(answers []answer) []answer {
	now := time.Now()
	var good, rest []answer
	for _, a := range answers {
		if a.weight > 0 && !now.Before(c.avoidUntil[a.node]) {
			good = append(good, a)
		} else {
			rest = append(rest, a)
		}
	}
	slices.SortStableFunc(rest, func(a, b answer) int { return c.avoidUntil[a.node].Compare(c.avoidUntil[b.node]) })
	return append(c.rng.order(good), rest...)
}

// connect connects to a gateway and checks its health.
func (c *Client) connect(ctx context.Context, a answer) (*gatewayConn, error) {
	conn, err := api.Connect(a.addr, c.cfg.Dial, api.Credentials{TLS: c.cfg.Identity.AnonymousClientConfig(), Token: c.tokens.get})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err == nil && r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		err = errors.New("the gateway is stopping")
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: %w", a.node, err)
	}
	return &gatewayConn{node: a.node, conn: conn, droppedSignal: make(chan struct{})}, nil
}

// watchConn avoids a gateway as soon as its connection ends, because the node has died or
// is stopping, so that few calls fail by it.
func (c *Client) watchConn(g *gatewayConn) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.work.Go(func() {
		select {
		case <-g.droppedSignal:
		case <-ctx.Done():
		}
		cancel()
	})
	if g.conn.WaitForStateChange(ctx, connectivity.Ready) {
		c.avoid(g)
	}
}
