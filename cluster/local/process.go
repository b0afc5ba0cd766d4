package local

import (
	"context"
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

// process is a node: one life after another.
type process struct {
	runtime *Runtime
	how     launch
	grace   time.Duration

	mu    sync.Mutex
	life  *life
	cpus  float64 // what it may use; 0 is without limit
	brake brake   // which sees to that; nil without limit
}

var _ cluster.Process = (*process)(nil)

func (p *process) now() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// Signal does nothing on Kill and Terminate of a process that has exited.
func (p *process) Signal(_ context.Context, s cluster.Signal) error {
	l := p.now()
	if l.exited() {
		if s == cluster.Kill || s == cluster.Terminate {
			return nil
		}
		return fmt.Errorf("%s %s: it has exited", s, p.how.node)
	}
	var err error
	switch s {
	case cluster.Kill:
		l.kill()
	case cluster.Terminate:
		if err = l.cmd.Process.Signal(syscall.SIGTERM); err == nil {
			go l.killAfter(p.grace)
		}
	case cluster.Pause:
		err = l.pause(true)
	case cluster.Resume:
		err = l.pause(false)
	default:
		err = fmt.Errorf("no such signal")
	}
	if err != nil && !l.exited() {
		return fmt.Errorf("%s %s: %w", s, p.how.node, err)
	}
	return nil
}

// killAfter kills what has not ended by then; it ends with the process, so at
// the latest with the runtime.
func (l *life) killAfter(grace time.Duration) {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
		l.kill()
	}
}

func (p *process) Restart(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.life.exited() {
		return fmt.Errorf("restart %s: it has not exited", p.how.node)
	}
	l, err := p.runtime.launch(p.how)
	if err != nil {
		return fmt.Errorf("restart %s: %w", p.how.node, err)
	}
	p.life = l
	if p.brake != nil {
		if err := p.brake.take(l); err != nil && !l.exited() {
			l.kill()
			return fmt.Errorf("restart %s: keep its limit of CPU: %w", p.how.node, err)
		}
	}
	return nil
}

func (p *process) Status(context.Context) (cluster.ProcessStatus, error) {
	l := p.now()
	s := cluster.ProcessStatus{State: cluster.Running, Started: l.started}
	if !l.exited() {
		stopped, err := isStopped(l.cmd.Process.Pid)
		if err != nil {
			// Between its end and its reaping, or /proc is missing.
			select {
			case <-l.done:
			case <-time.After(time.Second):
				return s, fmt.Errorf("state of %s: %w", p.how.node, err)
			}
		} else if stopped && !l.braked() {
			s.State = cluster.Paused
		}
	}
	if l.exited() {
		s.State, s.ExitCode = cluster.Exited, l.ended.ExitCode()
	}
	return s, nil
}

func (p *process) Logs(context.Context) (io.ReadCloser, error) {
	f, err := os.Open(p.how.log)
	if err != nil {
		return nil, fmt.Errorf("logs of %s: %w", p.how.node, err)
	}
	return f, nil
}
