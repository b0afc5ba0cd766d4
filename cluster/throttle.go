package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Throttler is a process whose use of the processor can be limited. A Process
// that can be implements Throttler too; see ThrottlerOf.
type Throttler interface {
	// Throttle lets the process use at most that many CPUs, 0.1 being a tenth of
	// one; 0 lifts the limit. A limit holds over restarts until it is changed.
	Throttle(ctx context.Context, cpus float64) error
	// CPU is what the process has used since its latest start, as the kernel or
	// engine counts it. It is an error on a process that has exited.
	CPU(ctx context.Context) (CPU, error)
}

// CPU is a process's use of the processor.
type CPU struct {
	Used time.Duration
	// Limit is how many CPUs it may use at present; 0 means any number.
	Limit float64
	// Stopped is how often it was kept from running because it wanted more than
	// the limit. It counts from zero again when a limit is first set and at each start.
	Stopped int
	// How names the mechanism that keeps the limit: "cgroup v2", "the engine", …
	How string
}

// ThrottlerOf is how a process is throttled; the error is Unsupported where
// its runtime cannot.
func ThrottlerOf(p Process) (Throttler, error) {
	if t, ok := p.(Throttler); ok {
		return t, nil
	}
	return nil, Unsupported{Reason: fmt.Sprintf("the runtime of %T cannot limit a node's use of the processor", p)}
}

// Throttle keeps a node at or below a number of CPUs until the returned
// release. Of several limits at a time the lowest holds. Release may be called
// again after an error; after success it does nothing.
func (c *Cluster) Throttle(ctx context.Context, id topology.NodeID, cpus float64) (release func(context.Context) error, err error) {
	p := c.Process(id)
	if p == nil {
		return nil, fmt.Errorf("throttle %s: no such node in this cluster", id)
	}
	t, err := ThrottlerOf(p)
	if err != nil {
		return nil, fmt.Errorf("throttle %s: %w", id, err)
	}
	n := c.states.of(id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limits = append(n.limits, cpus)
	if err := n.throttle(ctx, t); err != nil {
		n.removeLimit(cpus)
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("throttle %s: %w", id, err), n.throttle(undo, t))
	}
	listed, done := true, false
	return func(ctx context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if done {
			return nil
		}
		if listed {
			n.removeLimit(cpus)
			listed = false
		}
		if err := n.throttle(ctx, t); err != nil {
			return fmt.Errorf("undo throttle %s: %w", id, err)
		}
		done = true
		return nil
	}, nil
}

// throttle applies the lowest of the limits.
func (n *nodeState) throttle(ctx context.Context, t Throttler) error {
	if len(n.limits) == 0 {
		return t.Throttle(ctx, 0)
	}
	return t.Throttle(ctx, slices.Min(n.limits))
}

// removeLimit removes one limit of that many CPUs.
func (n *nodeState) removeLimit(cpus float64) {
	if i := slices.Index(n.limits, cpus); i >= 0 {
		n.limits = slices.Delete(n.limits, i, i+1)
	}
}
