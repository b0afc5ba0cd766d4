package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Hold keeps a node in a condition, Exited or Paused, until the returned
// release. Faults overlap and heal in any order, so each only says what it
// wants: the node is Exited while anyone holds it Exited, else Paused while
// anyone holds it Paused, else Running. How is the signal that brings about
// the condition: Kill or Terminate for Exited, Pause for Paused.
//
// Hold returns once the condition shows, release once what it leads to shows.
// Release may be called again after an error; after success it does nothing.
// A node that exited by itself is not started by anybody's release.
func (c *Cluster) Hold(ctx context.Context, id topology.NodeID, want ProcessState, how Signal) (release func(context.Context) error, err error) {
	p := c.Process(id)
	if p == nil {
		return nil, fmt.Errorf("hold %s: no such node in this cluster", id)
	}
	n := c.holds.node(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count[want]++
	err = n.settle(ctx, p, how)
	if err == nil && want == Paused && n.count[Exited] == 0 {
		if s, serr := p.Status(ctx); serr != nil || s.State != Paused {
			err = errors.Join(fmt.Errorf("the node is %s", s.State), serr)
		}
	}
	if err != nil {
		n.count[want]--
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("%s %s: %w", how, id, err), n.settle(undo, p, how))
	}
	counted, done := true, false
	return func(ctx context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if done {
			return nil
		}
		if counted {
			n.count[want]--
			counted = false
		}
		if err := n.settle(ctx, p, how); err != nil {
			return fmt.Errorf("undo %s %s: %w", how, id, err)
		}
		done = true
		return nil
	}, nil
}

// settleLimit bounds the undoing of a hold that failed halfway.
const settleLimit = 15 * time.Second

type holds struct {
	mu    sync.Mutex
	nodes map[topology.NodeID]*held
}

// held is who wants what of one node.
type held struct {
	mu    sync.Mutex // also held while the node is being changed
	count map[ProcessState]int
	ended bool // we ended it, so we start it again

	limits []float64 // CPUs, one for each Throttle
}

func (h *holds) node(id topology.NodeID) *held {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nodes == nil {
		h.nodes = map[topology.NodeID]*held{}
	}
	if h.nodes[id] == nil {
		h.nodes[id] = &held{count: map[ProcessState]int{}}
	}
	return h.nodes[id]
}

// settle moves the node to the condition that the holds ask for.
func (n *held) settle(ctx context.Context, p Process, how Signal) error {
	if n.count[Exited] > 0 {
		return n.end(ctx, p, how)
	}
	if n.ended {
		if err := n.revive(ctx, p); err != nil {
			return err
		}
	}
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	switch {
	case n.count[Paused] > 0 && s.State == Running:
		return signal(ctx, p, Pause, Paused)
	case n.count[Paused] == 0 && s.State == Paused:
		return signal(ctx, p, Resume, Running)
	}
	return nil
}

// revive starts a node that we ended. The ending may have been broken off by a
// dead context with its signal on the way, so it is finished first: a node
// that looks alive now could be gone in a moment.
func (n *held) revive(ctx context.Context, p Process) error {
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if s.State != Exited {
		if err := signal(ctx, p, Kill, Exited); err != nil {
			return err
		}
	}
	if err := p.Restart(ctx); err != nil {
		return err
	}
	if _, err := Await(ctx, p, Running); err != nil {
		return err
	}
	n.ended = false
	return nil
}

func (n *held) end(ctx context.Context, p Process, how Signal) error {
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if s.State == Exited {
		return nil
	}
	if how == Terminate && s.State == Paused { // who is stopped cannot stop gracefully
		if err := signal(ctx, p, Resume, Running); err != nil {
			return err
		}
	}
	if how == Pause { // a hold on Exited remains; its own signal has been sent
		how = Kill
	}
	n.ended = true
	return signal(ctx, p, how, Exited)
}

func signal(ctx context.Context, p Process, s Signal, until ProcessState) error {
	if err := p.Signal(ctx, s); err != nil {
		return err
	}
	_, err := Await(ctx, p, until)
	return err
}

// Await polls until the process is in the condition.
func Await(ctx context.Context, p Process, want ProcessState) (ProcessStatus, error) {
	for {
		s, err := p.Status(ctx)
		if err == nil && s.State == want {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, errors.Join(fmt.Errorf("still %s, not %s: %w", s.State, want, ctx.Err()), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
