package cluster

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/mcp-resilience/holdfast/topology"
)

// slowToStop is a process whose pause takes effect after it was asked for, as
// SIGSTOP does: the next Status still finds it running, unless it was resumed.
type slowToStop struct {
	mu      sync.Mutex
	state   ProcessState
	pending bool
}

func (p *slowToStop) Signal(_ context.Context, s Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s {
	case Pause:
		p.pending = true
	case Resume:
		p.state, p.pending = Running, false
	default:
		p.state, p.pending = Exited, false
	}
	return nil
}

func (p *slowToStop) Status(context.Context) (ProcessStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ProcessStatus{State: p.state}, nil
}

// takeEffect is the moment at which the pause happens.
func (p *slowToStop) takeEffect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending {
		p.state, p.pending = Paused, false
	}
}

func (p *slowToStop) Restart(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = Running
	return nil
}

func (p *slowToStop) Logs(context.Context) (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

func TestAHoldThatFailsLeavesNoPauseBehind(t *testing.T) {
	p := &slowToStop{state: Running}
	c := &Cluster{nodes: map[topology.NodeID]Process{"east-1": p}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Hold(ctx, "east-1", Paused, Pause); err == nil {
		t.Fatal("a hold whose context has ended, on a node that does not stop in time: no error")
	}
	p.takeEffect()
	if s, _ := p.Status(t.Context()); s.State != Running {
		t.Errorf("after the hold failed the node is %s", s.State)
	}

	// The same node is killed and started again, and a pause that is long gone is not undone.
	release, err := c.Hold(t.Context(), "east-1", Exited, Kill)
	if err != nil {
		t.Fatal(err)
	}
	if err := release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, _ := p.Status(t.Context()); s.State != Running {
		t.Errorf("after a kill was released the node is %s", s.State)
	}
}
