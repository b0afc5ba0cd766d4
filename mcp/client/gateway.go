package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// shunFor is how long a gateway that failed is not chosen again.
const shunFor = 3 * time.Second

// caller says whether a call failed through its caller: it was given up, or it
// asked for something impossible. That says nothing about the gateway.
func caller(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) || status.Code(err) == codes.InvalidArgument
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
		answers, err := c.lookup(c.ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.finding = nil
		if err != nil {
			if g := c.current; g != nil {
				g.until = time.Now().Add(time.Second) // keep what works
			}
			f.err = err
			return
		}
		f.err = c.settle(answers)
	})
	return f
}

// settle keeps the present gateway if the answers still give it weight, else
// connects to one that they do; the caller holds the lock.
func (c *Client) settle(answers []answer) error {
	expires := time.Now().Add(ttl(answers))
	if g := c.current; g != nil {
		for _, a := range answers {
			if a.node == g.node && a.weight > 0 {
				g.until = expires
				return nil
			}
		}
	}
	a, ok := c.choose(answers)
	if !ok {
		return errors.New("find a gateway: the answer names none")
	}
	if g := c.current; g != nil {
		if g.node == a.node {
			g.until = expires
			return nil
		}
		_ = c.leave(g)
	}
	conn, err := api.Connect(a.addr, c.cfg.Dial)
	if err != nil {
		return fmt.Errorf("find a gateway: %w", err)
	}
	conn.Connect()
	c.current = &gateway{node: a.node, conn: conn, until: expires}
	return nil
}

// choose draws a gateway by weight among those not shunned; failing that,
// among those shunned, or with no weight, least recently shunned first.
func (c *Client) choose(answers []answer) (answer, bool) {
	now := time.Now()
	var good []answer
	for _, a := range answers {
		if a.weight > 0 && !now.Before(c.shunned[a.node]) {
			good = append(good, a)
		}
	}
	if len(good) > 0 {
		return c.draw.weighted(good), true
	}
	var best answer
	found := false
	for _, a := range answers {
		if !found || c.shunned[a.node].Before(c.shunned[best.node]) {
			best, found = a, true
		}
	}
	return best, found
}
