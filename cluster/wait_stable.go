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

// startupWithin is how long a start waits to see that a node stays. A system
// may well take longer to open its ports, for instance until it has found its
// peers; then the start is over without that.
const startupWithin = 2 * time.Second

// stays waits until the node accepts connections on one of its ports. That it
// has exited instead is an error that quotes it.
func stays(ctx context.Context, m *links.Mesh, n topology.Node, p Process) error {
	wait, cancel := context.WithTimeout(ctx, startupWithin)
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
			return fmt.Errorf("it exited at once with status %d; %s", s.ExitCode, lastWords(ctx, p))
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

// lastWords quotes the end of a process's log.
func lastWords(ctx context.Context, p Process) string {
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
	return fmt.Sprintf("its last words: %q", b[max(0, len(b)-500):])
}
