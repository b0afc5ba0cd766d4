package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/topology"
)

// MemoryLimiter is a process whose memory can be limited while it runs. A Process
// that can be implements MemoryLimiter too; see MemoryLimiterOf.
type MemoryLimiter interface {
	// LimitMemory lets the process use at most so many bytes; 0 restores the limit
	// that it was started with. It is an error to ask for less than the process
	// uses and cannot give back. A limit holds over restarts until it is changed.
	LimitMemory(ctx context.Context, bytes int64) error
	// Memory is what the process uses now. Of one that has exited only the limit is known.
	Memory(ctx context.Context) (Memory, error)
}

// Memory is a process's use of memory, in bytes.
type Memory struct {
	Used int64 // of what counts against the limit, cached files included
	// Limit is what it may use at present, Usual what it may use without LimitMemory.
	Limit, Usual int64
	// Refused is how often it asked for more than the limit and something had to be
	// given back first, since its start. An engine may not count it.
	Refused int
}

// MemoryLimiterOf is how the memory of a process is limited; the error is
// Unsupported where its runtime cannot.
func MemoryLimiterOf(p Process) (MemoryLimiter, error) {
	if m, ok := p.(MemoryLimiter); ok {
		return m, nil
	}
	return nil, Unsupported{Reason: fmt.Sprintf("the runtime of %T cannot limit a node's memory", p)}
}

// LimitMemory keeps a node at or below a number of bytes until the returned
// release. Of several limits at a time the lowest holds. A node that the kernel
// kills for its memory meanwhile did not crash by itself, and the last release
// starts it again. Release may be called again after an error; after success it
// does nothing.
func (c *Cluster) LimitMemory(ctx context.Context, id topology.NodeID, bytes int64) (release func(context.Context) error, err error) {
	p := c.Process(id)
	if p == nil {
		return nil, fmt.Errorf("limit the memory of %s: no such node in this cluster", id)
	}
	m, err := MemoryLimiterOf(p)
	if err != nil {
		return nil, fmt.Errorf("limit the memory of %s: %w", id, err)
	}
	n := c.states.of(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.memory = append(n.memory, bytes)
	if err := n.limitMemory(ctx, p, m); err != nil {
		n.unlimitMemory(bytes)
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("limit the memory of %s: %w", id, err), n.limitMemory(undo, p, m))
	}
	listed, done := true, false
	return func(ctx context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if done {
			return nil
		}
		if listed {
			n.unlimitMemory(bytes)
			listed = false
		}
		if err := n.limitMemory(ctx, p, m); err != nil {
			return fmt.Errorf("restore the memory of %s: %w", id, err)
		}
		done = true
		return nil
	}, nil
}

// limitMemory applies the lowest of the limits. Without any it starts a node that
// the kernel has killed for its memory.
func (n *nodeState) limitMemory(ctx context.Context, p Process, m MemoryLimiter) error {
	if len(n.memory) > 0 {
		return m.LimitMemory(ctx, slices.Min(n.memory))
	}
	if err := m.LimitMemory(ctx, 0); err != nil {
		return err
	}
	s, err := p.Status(ctx)
	if err != nil || s.State != Exited || !s.OOMKilled || n.count[Exited] > 0 {
		return err
	}
	return n.restart(ctx, p)
}

// unlimitMemory removes one limit of that many bytes.
func (n *nodeState) unlimitMemory(bytes int64) {
	if i := slices.Index(n.memory, bytes); i >= 0 {
		n.memory = slices.Delete(n.memory, i, i+1)
	}
}
