package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

var _ cluster.Throttler = (*process)(nil)

// cpuLimiter keeps the processes of one node, one after another, below a share
// of CPU. What it has made is removed by a sweep of the run at the latest.
type cpuLimiter interface {
	// mechanism is what keeps the limit, as cluster.CPU reports it.
	mechanism() string
	// add puts a process under the limit, which ends with the process or with
	// release, and begins to count.
	add(c *child) error
	limit(cpus float64) error
	// throttled is how often the process was kept from running.
	throttled() (int, error)
	// release lets the processes go and leaves nothing behind.
	release(ctx context.Context) error
}

// Throttle implements cluster.Throttler. Limits are kept by a cgroup where this
// process may make one, and else by stopping and resuming the node.
func (p *process) Throttle(ctx context.Context, cpus float64) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("limit %s to %v CPUs: %w", p.spec.node, cpus, err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpus = cpus
	if cpus == 0 {
		if p.limiter == nil {
			return nil
		}
		if err := p.limiter.release(ctx); err != nil {
			return err
		}
		p.limiter = nil
		return nil
	}
	if p.limiter != nil {
		return p.limiter.limit(cpus)
	}
	l, err := p.runtime.newLimiter(p.spec.node)
	if err != nil {
		return err
	}
	if err = l.limit(cpus); err == nil && !p.child.exited() {
		err = l.add(p.child)
	}
	if err != nil {
		return errors.Join(err, l.release(ctx))
	}
	p.limiter = l
	return nil
}

// newLimiter makes the best limiter there is. That there will be a cgroup is in
// the clean-up log before there is one.
func (r *Runtime) newLimiter(node topology.NodeID) (cpuLimiter, error) {
	if root, ok := findCgroupRoot(); ok {
		g := root.cgroupOf(r.spec.Run, node)
		if r.spec.CleanupLog != nil {
			e := cluster.CleanupEntry{What: "cgroup", ID: g.dir, Undo: "remove the cgroup", At: time.Now()}
			if err := r.spec.CleanupLog.Append(e); err != nil {
				return nil, fmt.Errorf("note cgroup %s in the clean-up log: %w", g.dir, err)
			}
		}
		if g.make() == nil {
			return g, nil
		}
	}
	return &sigstopLimiter{}, nil
}

// CPU implements cluster.Throttler.
func (p *process) CPU(context.Context) (c cluster.CPU, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("use of CPU by %s: %w", p.spec.node, err)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Used, err = p.child.cpuTime(); err != nil {
		return c, err
	}
	if p.limiter != nil {
		c.Limit, c.How = p.cpus, p.limiter.mechanism()
		c.Stopped, err = p.limiter.throttled()
	}
	return c, err
}

// cpuTime is how much CPU the process has used in all its threads.
func (c *child) cpuTime() (used time.Duration, err error) {
	err = c.withPID(func(pid int) (err error) {
		used, err = cpuTime(pid)
		return err
	})
	return used, err
}
