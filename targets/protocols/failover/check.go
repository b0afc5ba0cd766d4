package failover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// checkForever opens connections to endpoints that are down or slow, until the pool is closed.
func (p *Pool[C]) checkForever() {
	for {
		var again <-chan time.Time
		if p.checkOnce() {
			again = time.After(p.recheckAfter())
		}
		select {
		case <-p.ctx.Done():
			return
		case <-again:
		case <-p.wake:
		}
	}
}

func (p *Pool[C]) wakeChecks() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// checkOnce checks every endpoint that is to be checked, all at once. It reports whether some endpoint is still down.
func (p *Pool[C]) checkOnce() bool {
	if p.cfg.Discover != nil {
		p.rediscover()
	}
	var all sync.WaitGroup
	for _, e := range p.doubtful() {
		all.Go(func() { p.check(e) })
	}
	all.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.nodes {
		if n.down != nil {
			return true
		}
	}
	return p.sought && p.current == nil
}

// doubtful lists the endpoints that are to be checked. With discovery that is at most the one that is in use.
func (p *Pool[C]) doubtful() []protocols.Endpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	candidates := p.cfg.Endpoints
	if p.cfg.Discover != nil {
		candidates = nil
		if p.current != nil {
			candidates = []protocols.Endpoint{*p.current}
		}
	}
	var out []protocols.Endpoint
	for _, e := range candidates {
		if n := p.node(e); n.down != nil || n.suspected {
			n.suspected = false
			out = append(out, e)
		}
	}
	return out
}

// check opens a connection to an endpoint. The endpoint is used again if that succeeds, and down if it does not. One
// that was only slow, and has answered an operation meanwhile, takes long to connect to and is not down.
func (p *Pool[C]) check(e protocols.Endpoint) {
	began := time.Now()
	c, err := p.open(p.ctx, e)
	if p.ctx.Err() != nil {
		if err == nil {
			_ = c.Close()
		}
		return
	}
	p.mu.Lock()
	n := p.node(e)
	if slow := n.down == nil && n.answered.After(began); err == nil || !slow {
		n.down = err
	}
	if n.down != nil {
		p.closeIdle(n)
	}
	p.mu.Unlock()
	if err == nil {
		p.put(e, c)
	}
}

// recheckAfter is short while no endpoint can be used.
func (p *Pool[C]) recheckAfter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.Discover != nil {
		return urgentRecheck
	}
	for _, e := range p.cfg.Endpoints {
		if p.node(e).down == nil {
			return calmRecheck
		}
	}
	return urgentRecheck
}

// discovered returns the endpoint that Discover has found. It asks only if nothing has been found so far.
func (p *Pool[C]) discovered(ctx context.Context) (protocols.Endpoint, error) {
	p.mu.Lock()
	current := p.current
	p.sought = true
	p.mu.Unlock()
	if current != nil {
		return *current, nil
	}
	if p.ctx.Err() != nil {
		return protocols.Endpoint{}, errors.New("the client is closed")
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.OpenTimeout)
	defer cancel()
	e, err := p.cfg.Discover(ctx)
	if err != nil {
		p.wakeChecks()
		return e, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = &e
	return e, nil
}

// rediscover asks anew where the system is when the endpoint in use is down.
func (p *Pool[C]) rediscover() {
	p.mu.Lock()
	current := p.current
	needed := current == nil && p.sought || current != nil && p.node(*current).down != nil
	p.mu.Unlock()
	if !needed {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.cfg.OpenTimeout)
	defer cancel()
	e, err := p.cfg.Discover(ctx)
	if err != nil || p.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.node(e).suspected = true // it is checked before it is used, unless an operation is quicker
	if current == nil || current.Node != e.Node {
		p.node(e).down = nil
	}
	p.current = &e
}
