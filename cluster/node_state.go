package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Hold keeps a node in a state, Exited or Paused, until the returned release.
// Faults overlap and heal in any order, so each only declares the state that it
// needs: the node is Exited while any hold is on Exited, else Paused while any is
// on Paused, else Running. How is the signal that brings the state about: Kill,
// Terminate or one of PosixSignals for Exited, Pause for Paused. A node that does
// not exit of a Posix signal before ctx ends is killed and started again.
//
// Hold returns once the node is in the state, release once it is in the one that
// follows. Release may be called again after an error; after success it does
// nothing. A node that exited by itself is not started by anybody's release.
func (c *Cluster) Hold(ctx context.Context, id topology.NodeID, want ProcessState, how Signal) (release func(context.Context) error, err error) {
	p := c.Process(id)
	if p == nil {
		return nil, fmt.Errorf("hold %s: no such node in this cluster", id)
	}
	n := c.states.of(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.count[want]++
	err = n.apply(ctx, p, how)
	if err == nil && want == Paused && n.count[Exited] == 0 {
		if s, serr := p.Status(ctx); serr != nil || s.State != Paused {
			err = errors.Join(fmt.Errorf("the node is %s", s.State), serr)
		}
	}
	if err != nil {
		n.count[want]--
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("%s %s: %w", how, id, err), n.apply(undo, p, how))
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
		if err := n.apply(ctx, p, how); err != nil {
			return fmt.Errorf("undo %s %s: %w", how, id, err)
		}
		done = true
		return nil
	}, nil
}

// undoTimeout bounds the undoing of a hold that failed halfway.
const undoTimeout = 15 * time.Second

type nodeStates struct {
	mu    sync.Mutex
	nodes map[topology.NodeID]*nodeState
}

// nodeState is the state that holds and throttles ask of one node.
type nodeState struct {
	mu    sync.Mutex // also held while the node is being changed
	count map[ProcessState]int
	ended bool // we ended it, so we start it again
	// paused is that we asked for a pause and have not asked for its end since.
	// A pause takes effect a moment after it was asked for, so a node that looks
	// as if it ran may still stand still in a moment.
	paused bool

	limits []float64 // CPUs, one for each Throttle
	memory []int64   // bytes, one for each LimitMemory

	disk []*DiskFault // one for each FailDisk
}

func (h *nodeStates) of(id topology.NodeID) *nodeState {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nodes == nil {
		h.nodes = map[topology.NodeID]*nodeState{}
	}
	if h.nodes[id] == nil {
		h.nodes[id] = &nodeState{count: map[ProcessState]int{}}
	}
	return h.nodes[id]
}

// apply moves the node to the state that the holds ask for.
func (n *nodeState) apply(ctx context.Context, p Process, how Signal) error {
	if n.count[Exited] > 0 {
		return n.end(ctx, p, how)
	}
	if n.ended {
		if err := n.restart(ctx, p); err != nil {
			return err
		}
	}
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.State == Exited:
		n.paused = false
	case n.count[Paused] > 0 && s.State == Running:
		n.paused = true
		return signal(ctx, p, Pause, Paused)
	case n.count[Paused] == 0 && (s.State == Paused || n.paused):
		return n.resume(ctx, p)
	}
	return nil
}

func (n *nodeState) resume(ctx context.Context, p Process) error {
	if err := signal(ctx, p, Resume, Running); err != nil {
		return err
	}
	n.paused = false
	return nil
}

// restart starts a node that a hold ended. If the context of that hold ended after
// the signal was sent, the node may still look alive now and exit in a moment, so
// it is killed first.
func (n *nodeState) restart(ctx context.Context, p Process) error {
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
	n.ended, n.paused = false, false
	return nil
}

func (n *nodeState) end(ctx context.Context, p Process, how Signal) error {
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if s.State == Exited {
		return nil
	}
	if how != Kill && how != Pause && (s.State == Paused || n.paused) { // a paused program cannot act on a signal
		if err := n.resume(ctx, p); err != nil {
			return err
		}
	}
	if how == Pause { // released: a hold on Exited remains, whose own signal is not known here
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

// Await polls until the process is in the state.
func Await(ctx context.Context, p Process, want ProcessState) (ProcessStatus, error) {
	for {
		s, err := p.Status(ctx)
		if err == nil && s.State == want {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, errors.Join(fmt.Errorf("the process is %s, want %s: %w", s.State, want, ctx.Err()), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
