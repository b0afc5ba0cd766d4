package cluster

import (
	"context"

	"github.com/mcp-resilience/holdfast/topology"
)

// Crash is a node that exited by itself: no Hold had ended it.
type Crash struct {
	Node   topology.NodeID
	Status ProcessStatus
}

// Crashed lists the nodes that have exited by themselves and are still down. A
// node that any Hold keeps Exited is not among them, nor one that was killed for
// its memory while LimitMemory limits it, nor one whose disk FailDisk makes fail.
func (c *Cluster) Crashed(ctx context.Context) []Crash {
	var out []Crash
	for _, n := range c.Topology.Nodes {
		p := c.Process(n.ID)
		if s, err := p.Status(ctx); err != nil || s.State != Exited {
			continue
		}
		held := c.states.of(n.ID)
		if !held.mu.TryLock() {
			continue // a Hold is changing it
		}
		ours := held.ended || held.count[Exited] > 0
		s, err := p.Status(ctx) // again: it may have been started meanwhile
		ours = ours || (s.OOMKilled && len(held.memory) > 0) || len(held.disk) > 0
		held.mu.Unlock()
		if !ours && err == nil && s.State == Exited {
			out = append(out, Crash{n.ID, s})
		}
	}
	return out
}
