package consensus

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// alone is the defect skip-arbitration: a node that has lost its leader makes
// itself one without a vote. Raft cannot do that, so it goes past raft: mutations are
// applied to a copy of the state and acknowledged at once. When the others are
// back the copy is thrown away, and with it all that was acknowledged.
type alone struct {
	mu   sync.Mutex
	copy *state.State // nil while the node does not lead by itself
}

// state returns the copy, nil when there is none.
func (a *alone) state() *state.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.copy
}

// StandAlone makes this node lead by itself, or ends that, as of now. It does
// not while raft knows a leader. It says whether it has begun to.
func (n *Node) StandAlone(on bool) (begun bool) {
	_, leader := n.raft.LeaderWithID()
	on = on && leader == ""
	n.alone.mu.Lock()
	was := n.alone.copy != nil
	switch {
	case on && !was:
		n.alone.copy = n.state.Snapshot().State()
	case !on:
		n.alone.copy = nil
	}
	n.alone.mu.Unlock()
	term := n.raft.CurrentTerm()
	fields := map[string]string{"term": strconv.FormatUint(term, 10)}
	switch {
	case on && !was:
		n.cfg.Note(events.Elected, fmt.Sprintf("%s leads by itself, without a vote", n.cfg.Name), fields)
	case !on && was:
		n.cfg.Note(events.Deposed, fmt.Sprintf("%s leads no longer by itself", n.cfg.Name), fields)
	}
	if on != was {
		n.news.tell()
	}
	return on && !was
}

// acknowledgeAlone is Propose of a node that leads by itself.
func (n *Node) acknowledgeAlone(to *state.State, c *api.Command) *api.Applied {
	out := to.Apply(0, n.raft.CurrentTerm(), c)
	out.Node = n.cfg.Name
	return out
}
