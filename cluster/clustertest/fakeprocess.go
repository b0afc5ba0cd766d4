package clustertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/topology"
)

// fakeProcess is a node that is a goroutine.
type fakeProcess struct {
	fake        *fake
	id          topology.NodeID
	incarnation Incarnation
	log         logBuffer

	mu      sync.Mutex
	state   cluster.ProcessStatus
	resumed broadcast.Signal
	cancel  context.CancelFunc
	done    chan struct{}
}

func (p *fakeProcess) start() error {
	if err := p.fake.note(string(p.id)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(p.fake.run)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = cluster.ProcessStatus{State: cluster.Running, Started: time.Now()}
	p.cancel = cancel
	done := make(chan struct{})
	p.done = done
	p.fake.all.Go(func() {
		defer close(done)
		err := p.fake.serve(ctx, p.incarnation)
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		if err != nil {
			_, _ = fmt.Fprintln(&p.log, err)
		}
		if p.state.ExitCode == 0 {
			p.state.ExitCode = exitOf(err)
		}
		p.state.State = cluster.Exited
	})
	return nil
}

// gate holds the node while it is paused.
func (p *fakeProcess) gate(ctx context.Context) {
	p.mu.Lock()
	paused, resumed := p.state.State == cluster.Paused, p.resumed.Next()
	p.mu.Unlock()
	if !paused {
		return
	}
	select {
	case <-resumed:
	case <-ctx.Done():
	}
}

func (p *fakeProcess) Signal(_ context.Context, s cluster.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := p.state.State == cluster.Exited
	if s.Posix() && s != "SIGUSR1" && s != "SIGUSR2" { // those a program in Go ignores
		if gone {
			return fmt.Errorf("%s %s: it has exited", s, p.id)
		}
		p.state.ExitCode = 2
		p.cancel()
		return nil
	}
	switch s {
	case cluster.Kill, cluster.Terminate:
		if gone {
			return nil
		}
		if s == cluster.Kill {
			p.state.ExitCode = -1
		}
		p.cancel()
		return nil
	case cluster.Pause, cluster.Resume:
		if gone {
			return fmt.Errorf("%s %s: it has exited", s, p.id)
		}
		if s == cluster.Pause && p.state.State == cluster.Running {
			p.state.State = cluster.Paused
		}
		if s == cluster.Resume && p.state.State == cluster.Paused {
			p.state.State = cluster.Running
			p.resumed.Broadcast()
		}
		return nil
	}
	if s.Posix() {
		return nil
	}
	return fmt.Errorf("%s %s: no such signal", s, p.id)
}

func (p *fakeProcess) Restart(ctx context.Context) error {
	s, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if s.State != cluster.Exited {
		return fmt.Errorf("restart %s: it has not exited", p.id)
	}
	if p.fake.run.Err() != nil {
		return errors.New("restart: the runtime is closed")
	}
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	<-done
	return p.start()
}

func (p *fakeProcess) Status(context.Context) (cluster.ProcessStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, nil
}

func (p *fakeProcess) Logs(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(p.log.all())), nil
}

// logBuffer is the output of a fake node, in memory.
type logBuffer struct {
	mu    sync.Mutex
	bytes []byte
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func (b *logBuffer) all() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.bytes)
}
