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

// shunFor is how long a gateway that failed is not chosen again.
const shunFor = 3 * time.Second

// innocent says whether a gateway is not to blame for a failed call: the
// caller gave it up or asked for something impossible, or the gateway
// reports in good time that a leader failed.
func innocent(ctx context.Context, err error) bool {
	code := status.Code(err)
	return errors.Is(ctx.Err(), context.Canceled) || code == codes.InvalidArgument || code == codes.Aborted
}

// finding is a search for a gateway, shared by all calls that wait for it.
type finding struct {
	done chan struct{}
	err  error
}

// enter returns the present gateway, finding one if there is none.
func (c *Client) enter(ctx context.Context) (*gateway, error) {
	for {
		c.mu.Lock()
		if c.ctx.Err() != nil {
			c.mu.Unlock()
			return nil, errors.New("the client is closed")
		}
		if g := c.current; g != nil {
			g.calls++
			if time.Now().After(g.until) {
				c.find() // meanwhile g serves on
			}
			c.mu.Unlock()
			return g, nil
		}
		f := c.find()
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

// exit ends a call.
func (c *Client) exit(g *gateway) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.calls--; g.left && g.calls == 0 {
		_ = g.conn.Close()
	}
}

// leave stops using a gateway; the caller holds the lock.
func (c *Client) leave(g *gateway) error {
	if g == nil || g.left {
		return nil
	}
	g.left = true
	close(g.gone)
	if c.current == g {
		c.current = nil
	}
	if g.calls == 0 {
		return g.conn.Close()
	}
	return nil
}

// shun leaves a gateway that does not serve and avoids it for a while.
func (c *Client) shun(g *gateway) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.left {
		return
	}
	c.shunned[g.node] = time.Now().Add(shunFor)
	_ = c.leave(g)
	if c.ctx.Err() == nil {
		c.find()
	}
}

// find starts a search unless one is under way; the caller holds the lock.
func (c *Client) find() *finding {
	if c.finding != nil {
		return c.finding
	}
	f := &finding{done: make(chan struct{})}
	c.finding = f
	c.work.Go(func() {
		defer close(f.done)
		f.err = c.search()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.finding = nil
		if g := c.current; f.err != nil && g != nil {
			g.until = time.Now().Add(time.Second) // keep what works
		}
	})
	return f
}

// search looks the platform up. It keeps the present gateway if the answers
// still give it weight, else moves to one that they do and that is seen to serve.
func (c *Client) search() error {
	ctx, cancel := context.WithTimeout(c.ctx, askLimit)
	_, err := c.wallet.get(ctx) // or every gateway would be blamed for it
	cancel()
	if err != nil {
		return err
	}
	answers, err := c.lookup(c.ctx)
	if err != nil {
		return err
	}
	expires := time.Now().Add(ttl(answers))
	c.mu.Lock()
	order := c.order(answers)
	if g := c.current; g != nil && (c.keeps(g, answers) || order[0].node == g.node) {
		g.until = expires
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	g, err := hedge(c.ctx, c.work.Go, len(order),
		func(ctx context.Context, i int) (*gateway, error) { return c.open(ctx, order[i]) },
		func(g *gateway) { _ = g.conn.Close() })
	if err != nil {
		return fmt.Errorf("find a gateway: %w", err)
	}
	g.until = expires
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.leave(c.current)
	c.current = g
	c.work.Go(func() { c.watch(g) })
	return nil
}

// keeps says whether the answers speak for staying with a gateway, and it has not
// asked to be spared. The caller holds the lock.
func (c *Client) keeps(g *gateway, answers []answer) bool {
	return !time.Now().Before(c.shunned[g.node]) &&
		slices.ContainsFunc(answers, func(a answer) bool { return a.node == g.node && a.weight > 0 })
}

// order says in which order to try the gateways: those with weight that are not
// shunned, drawn by weight; then the rest, least recently shunned first. The
// caller holds the lock.
func (c *Client) order(answers []answer) []answer {
	now := time.Now()
	var good, rest []answer
	for _, a := range answers {
		if a.weight > 0 && !now.Before(c.shunned[a.node]) {
			good = append(good, a)
		} else {
			rest = append(rest, a)
		}
	}
	slices.SortStableFunc(rest, func(a, b answer) int { return c.shunned[a.node].Compare(c.shunned[b.node]) })
	return append(c.draw.weighted(good), rest...)
}

// open connects to a gateway and asks whether it serves.
func (c *Client) open(ctx context.Context, a answer) (*gateway, error) {
	conn, err := api.Connect(a.addr, c.cfg.Dial, api.Credentials{TLS: c.cfg.Who.Nameless(), Token: c.wallet.get})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err == nil && r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		err = errors.New("it is stopping")
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: %w", a.node, err)
	}
	return &gateway{node: a.node, conn: conn, gone: make(chan struct{})}, nil
}

// watch leaves a gateway as soon as its connection ends, be it that the node
// has died or that it says good-bye, so that few calls run into it.
func (c *Client) watch(g *gateway) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.work.Go(func() {
		select {
		case <-g.gone:
		case <-ctx.Done():
		}
		cancel()
	})
	if g.conn.WaitForStateChange(ctx, connectivity.Ready) {
		c.shun(g)
	}
}
