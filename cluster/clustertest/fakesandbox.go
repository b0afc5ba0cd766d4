package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/cluster/links/linkd"
	"github.com/mcp-resilience/holdfast/internal/cputime"
	"github.com/mcp-resilience/holdfast/topology"
)

// fakeSandbox is a linkd within this process.
type fakeSandbox struct {
	id     topology.NodeID
	server links.Server
	echo   string
	fake   *fake

	mu     sync.Mutex
	kill   context.CancelFunc
	gone   chan struct{} // closed when it has ended
	status cluster.ProcessStatus
}

var (
	_ cluster.Sandbox          = (*fakeSandbox)(nil)
	_ cluster.SandboxRestarter = (*fakeSandbox)(nil)
	_ cluster.CPUMeter         = (*fakeSandbox)(nil)
)

// StartSandbox implements cluster.Runtime.
func (f *fake) StartSandbox(ctx context.Context, n topology.Node) (cluster.Sandbox, error) {
	if err := f.note("linkd of " + string(n.ID)); err != nil {
		return nil, err
	}
	s := f.block.Server(n)
	s.Credential = links.NewCredential()
	box := &fakeSandbox{id: n.ID, server: s, echo: f.block.EchoAddr(n.ID), fake: f}
	if err := box.run(ctx); err != nil {
		return nil, err
	}
	return box, nil
}

// RestartSandbox implements cluster.SandboxRestarter.
func (s *fakeSandbox) RestartSandbox(ctx context.Context) (cluster.RestartedSandbox, error) {
	return cluster.RestartedSandbox{Server: s.server}, s.run(ctx)
}

// run starts the linkd and waits until it answers.
func (s *fakeSandbox) run(ctx context.Context) error {
	var lc net.ListenConfig
	control, err := lc.Listen(ctx, "tcp", s.server.Control)
	if err != nil {
		return err
	}
	echo, err := lc.Listen(ctx, "tcp", s.echo)
	if err != nil {
		_ = control.Close()
		return err
	}
	run, kill := context.WithCancel(s.fake.run)
	gone := make(chan struct{})
	s.mu.Lock()
	s.kill, s.gone = kill, gone
	s.status = cluster.ProcessStatus{State: cluster.Running, Started: time.Now()}
	s.mu.Unlock()
	supervisor := &linkd.Supervisor{
		Control: control, Echo: echo, Credential: s.server.Credential,
		Proxies: &linkd.InProcess{Admin: s.server.Admin, Credential: s.server.Credential},
	}
	s.fake.all.Go(func() {
		defer close(gone)
		defer kill()
		err := supervisor.Run(run)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.status.State = cluster.Exited
		if s.status.ExitCode == 0 {
			s.status.ExitCode = exitOf(err)
		}
	})
	if err := s.server.Await(ctx, gone); err != nil {
		kill()
		return err
	}
	return nil
}

// CPUUsage implements cluster.CPUMeter with what this whole process used: its goroutines cannot be told apart.
func (s *fakeSandbox) CPUUsage(context.Context) (cluster.CPUUsage, error) {
	u, err := cputime.OfTree(os.Getpid())
	return cluster.CPUUsage(u), err
}

func (s *fakeSandbox) Server() links.Server { return s.server }

func (s *fakeSandbox) Signal(_ context.Context, how cluster.Signal) error {
	if how != cluster.Kill {
		return fmt.Errorf("%s the sandbox of %s: a sandbox without a process can only be killed", how, s.id)
	}
	s.mu.Lock()
	if s.status.State != cluster.Exited {
		s.status.ExitCode = -1
	}
	kill := s.kill
	s.mu.Unlock()
	kill()
	return nil
}

func (s *fakeSandbox) Status(context.Context) (cluster.ProcessStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, nil
}

func (s *fakeSandbox) Logs(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(nil)), nil
}
