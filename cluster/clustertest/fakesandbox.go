package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/cluster/links/linkd"
	"github.com/mcp-resilience/holdfast/topology"
)

// fakeSandbox is a linkd within this process.
type fakeSandbox struct {
	id     topology.NodeID
	server links.Server
	kill   context.CancelFunc
	gone   chan struct{} // closed when it has ended

	mu     sync.Mutex
	status cluster.ProcessStatus
}

var _ cluster.Sandbox = (*fakeSandbox)(nil)

// StartSandbox implements cluster.Runtime.
func (f *fake) StartSandbox(ctx context.Context, n topology.Node) (cluster.Sandbox, error) {
	if err := f.note("linkd of " + string(n.ID)); err != nil {
		return nil, err
	}
	s := f.block.Server(n)
	s.Credential = links.NewCredential()
	var lc net.ListenConfig
	control, err := lc.Listen(ctx, "tcp", s.Control)
	if err != nil {
		return nil, err
	}
	echo, err := lc.Listen(ctx, "tcp", f.block.EchoAddr(n.ID))
	if err != nil {
		_ = control.Close()
		return nil, err
	}
	run, kill := context.WithCancel(f.run)
	box := &fakeSandbox{
		id: n.ID, server: s, kill: kill, gone: make(chan struct{}),
		status: cluster.ProcessStatus{State: cluster.Running, Started: time.Now()},
	}
	supervisor := &linkd.Supervisor{
		Control: control, Echo: echo, Credential: s.Credential,
		Proxies: &linkd.InProcess{Admin: s.Admin, Credential: s.Credential},
	}
	f.all.Go(func() {
		defer close(box.gone)
		defer kill()
		err := supervisor.Run(run)
		box.mu.Lock()
		defer box.mu.Unlock()
		box.status.State = cluster.Exited
		if box.status.ExitCode == 0 {
			box.status.ExitCode = exitOf(err)
		}
	})
	if err := s.Await(ctx, box.gone); err != nil {
		kill()
		return nil, err
	}
	return box, nil
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
	s.mu.Unlock()
	s.kill()
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
