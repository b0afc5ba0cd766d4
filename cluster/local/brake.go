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

// brake keeps the lives of one node below a share of CPU. What it has made
// outlives no sweep of the run.
type brake interface {
	how() string
	// take puts a life under the brake; it ends with the life or with free.
	take(l *life) error
	limit(cpus float64) error
	// stopped is how often a life was kept from running.
	stopped() (int, error)
	// free lets the lives go and leaves nothing behind.
	free(ctx context.Context) error
}

// Throttle implements cluster.Throttler. Limits are kept by a cgroup where this
// process may make one, and else by stopping and resuming the node.
func (p *process) Throttle(ctx context.Context, cpus float64) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("limit %s to %v CPUs: %w", p.how.node, cpus, err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpus = cpus
	if cpus == 0 {
		if p.brake == nil {
			return nil
		}
		if err := p.brake.free(ctx); err != nil {
			return err
		}
		p.brake = nil
		return nil
	}
	if p.brake != nil {
		return p.brake.limit(cpus)
	}
	b, err := p.runtime.newBrake(p.how.node)
	if err != nil {
		return err
	}
	if err = b.limit(cpus); err == nil && !p.life.exited() {
		err = b.take(p.life)
	}
	if err != nil {
		return errors.Join(err, b.free(ctx))
	}
	p.brake = b
	return nil
}

// newBrake makes the best brake there is. That there will be a cgroup is in the
// journal before there is one.
func (r *Runtime) newBrake(node topology.NodeID) (brake, error) {
	if home, ok := cgroupHome(); ok {
		g := home.of(r.spec.Run, node)
		if r.spec.CleanupLog != nil {
			e := cluster.CleanupEntry{What: "cgroup", ID: g.dir, Undo: "remove the cgroup", At: time.Now()}
			if err := r.spec.CleanupLog.Append(e); err != nil {
				return nil, fmt.Errorf("journal cgroup %s: %w", g.dir, err)
			}
		}
		if g.make() == nil {
			return g, nil
		}
	}
	return &duty{}, nil
}

// CPU implements cluster.Throttler.
func (p *process) CPU(context.Context) (c cluster.CPU, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("use of CPU by %s: %w", p.how.node, err)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life.exited() {
		return c, errors.New("it has exited")
	}
	if c.Used, err = cpuTime(p.life.cmd.Process.Pid); err != nil {
		return c, err
	}
	if p.brake != nil {
		c.Limit, c.How = p.cpus, p.brake.how()
		c.Stopped, err = p.brake.stopped()
	}
	return c, err
}
