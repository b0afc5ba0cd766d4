package cluster

import (
	"context"

	"github.com/mcp-resilience/holdfast/topology"
)

// Crash is a node that exited though nobody here had ended it.
type Crash struct {
	Node   topology.NodeID
	Status ProcessStatus
}

// Crashed lists the nodes that are down by themselves now: exited, and not
// because a Hold wants them to be.
func (c *Cluster) Crashed(ctx context.Context) []Crash {
	var out []Crash
	for _, n := range c.Topology.Nodes {
		p := c.Process(n.ID)
		if s, err := p.Status(ctx); err != nil || s.State != Exited {
			continue
		}
		held := c.holds.node(n.ID)
		if !held.mu.TryLock() {
			continue // it is being changed
		}
		ours := held.ended || held.count[Exited] > 0
		s, err := p.Status(ctx) // again: it may have been started meanwhile
		held.mu.Unlock()
		if !ours && err == nil && s.State == Exited {
			out = append(out, Crash{n.ID, s})
		}
	}
	return out
}
