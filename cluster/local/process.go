package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
)

// defaultGrace is how long a graceful stop may take where the program does not say.
const defaultGrace = 10 * time.Second

// process is a node: one child after another.
type process struct {
	runtime *Runtime
	spec    childSpec
	grace   time.Duration
	disk    failingDisk

	mu      sync.Mutex
	child   *child
	cpus    float64    // what it may use; 0 is without limit
	limiter cpuLimiter // which sees to that; nil without limit
}

var _ cluster.Process = (*process)(nil)

func (p *process) current() *child {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.child
}

// Signal does nothing on Kill and Terminate of a process that has exited.
func (p *process) Signal(_ context.Context, s cluster.Signal) error {
	c := p.current()
	if c.exited() {
		if s == cluster.Kill || s == cluster.Terminate {
			return nil
		}
		return fmt.Errorf("%s %s: it has exited", s, p.spec.node)
	}
	var err error
	switch s {
	case cluster.Kill:
		c.kill()
	case cluster.Terminate:
		if err = c.signal(syscall.SIGTERM); err == nil {
			go c.killAfter(p.grace)
		}
	case cluster.Pause:
		err = c.pause(true)
	case cluster.Resume:
		err = c.pause(false)
	default:
		err = errors.New("no such signal")
		if s.Posix() {
			err = c.signal(posixSignal(string(s)))
		}
	}
	if err != nil && !c.exited() {
		return fmt.Errorf("%s %s: %w", s, p.spec.node, err)
	}
	return nil
}

func (p *process) Restart(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.child.exited() {
		return fmt.Errorf("restart %s: it has not exited", p.spec.node)
	}
	c, err := p.runtime.launch(p.spec)
	if err != nil {
		return fmt.Errorf("restart %s: %w", p.spec.node, err)
	}
	p.child = c
	if p.limiter != nil {
		if err := p.limiter.add(c); err != nil && !c.exited() {
			c.kill()
			return fmt.Errorf("restart %s: limit its CPU: %w", p.spec.node, err)
		}
	}
	return nil
}

func (p *process) Status(context.Context) (cluster.ProcessStatus, error) {
	c := p.current()
	s := cluster.ProcessStatus{State: cluster.Running, Started: c.started}
	if !c.exited() {
		var stopped bool
		err := c.withPID(func(pid int) (err error) {
			stopped, err = isStopped(pid)
			return err
		})
		if err != nil {
			// It has just ended, or /proc is missing.
			select {
			case <-c.done:
			case <-time.After(time.Second):
				return s, fmt.Errorf("state of %s: %w", p.spec.node, err)
			}
		} else if stopped && !c.suspended() {
			s.State = cluster.Paused
		}
	}
	if c.exited() {
		s.State, s.ExitCode = cluster.Exited, c.ended.ExitCode()
	}
	return s, nil
}

func (p *process) Logs(context.Context) (io.ReadCloser, error) {
	f, err := os.Open(p.spec.log)
	if err != nil {
		return nil, fmt.Errorf("logs of %s: %w", p.spec.node, err)
	}
	return f, nil
}
