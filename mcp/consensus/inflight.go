package consensus

import (
	"context"
	"sync"
	"time"
)

// inflight counts the commands under way, and keeps new ones out while it is blocked.
type inflight struct {
	mu     sync.Mutex
	blocks int // calls of block without their unblock
	count  int
}

// enter counts a command in; false means that it is refused.
func (g *inflight) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.blocks > 0 {
		return false
	}
	g.count++
	return true
}

func (g *inflight) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
}

func (g *inflight) block() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks++
}

func (g *inflight) unblock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks--
}

// drain returns once no command is under way, or when ctx ends, with its error.
func (g *inflight) drain(ctx context.Context) error {
	for {
		g.mu.Lock()
		n := g.count
		g.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
