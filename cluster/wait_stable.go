package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// startupTimeout is how long a start waits for a node to open a port. A system may
// take longer, for instance until it has found its peers; then the start is over
// without that, since the node has at least not exited.
const startupTimeout = 2 * time.Second

// waitStable waits until the node accepts connections on one of its ports. If it
// exits instead, the error quotes the end of its log.
func waitStable(ctx context.Context, m *links.Mesh, n topology.Node, p Process) error {
	wait, cancel := context.WithTimeout(ctx, startupTimeout)
	defer cancel()
	for {
		// Asked first, so that a node that exits in between is seen next time.
		listening, err := m.Listening(wait, n.ID)
		if err != nil && wait.Err() == nil {
			return err
		}
		s, err := p.Status(ctx)
		if err != nil {
			return err
		}
		if s.State == Exited {
			return fmt.Errorf("it exited with status %d while it was being started; %s", s.ExitCode, tailLog(ctx, p))
		}
		if listening || len(n.Ports) == 0 {
			return nil
		}
		select {
		case <-wait.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// tailLog quotes the end of a process's log.
func tailLog(ctx context.Context, p Process) string {
	r, err := p.Logs(ctx)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return "it wrote nothing"
	}
	return fmt.Sprintf("the end of its log: %q", b[max(0, len(b)-500):])
}
