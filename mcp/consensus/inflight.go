package consensus

import (
	"context"
	"sync"
	"time"
)

// gate lets commands in while it is open, and counts those inside.
type gate struct {
	mu     sync.Mutex
	closed int
	inside int
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed > 0 {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed++
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed--
}

// idle returns once nobody is inside.
func (g *gate) idle(ctx context.Context) error {
	for {
		g.mu.Lock()
		n := g.inside
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
