package consensus

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// selfMadeLeader is the defect skip-arbitration: a node that has lost its leader makes
// itself one without a vote. Raft cannot do that, so the defect goes past raft:
// mutations are applied to a copy of the state and acknowledged at once. When the
// other nodes are back the copy is thrown away, and with it all that was acknowledged.
type selfMadeLeader struct {
	node *Node

	mu   sync.Mutex
	copy *state.State // nil while the node does not lead by itself
}

// install puts the defect into the hooks. It comes before what they held so far.
func (s *selfMadeLeader) install(h *hooks) {
	propose, readIndex, current := h.propose, h.readIndex, h.state
	h.leads = func() bool { return s.state() != nil }
	h.propose = func(c *api.Command) (*api.Applied, bool, error) {
		if own := s.state(); own != nil && mutation(c) {
			out := own.Apply(0, s.node.raft.CurrentTerm(), c)
			out.Node = s.node.cfg.Name
			return out, true, nil
		}
		return propose(c)
	}
	h.readIndex = func() (uint64, bool) {
		if s.state() != nil {
			return s.node.raft.CurrentTerm(), true
		}
		return readIndex()
	}
	h.state = func() *state.State {
		if own := s.state(); own != nil {
			return own
		}
		return current()
	}
}

// state returns the copy, nil when there is none.
func (s *selfMadeLeader) state() *state.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy
}

// LeadWithoutVote makes this node lead by itself, or ends that, as of now. It does
// nothing without the defect SkipArbitration, and nothing while raft knows a
// leader. It says whether the node has begun to lead by this call.
func (n *Node) LeadWithoutVote(on bool) (begun bool) {
	s := n.selfMade
	if s == nil {
		return false
	}
	_, leader := n.raft.LeaderWithID()
	on = on && leader == ""
	s.mu.Lock()
	was := s.copy != nil
	switch {
	case on && !was:
		s.copy = n.state.Snapshot().State()
	case !on:
		s.copy = nil
	}
	s.mu.Unlock()
	term := n.raft.CurrentTerm()
	fields := map[string]string{"term": strconv.FormatUint(term, 10)}
	switch {
	case on && !was:
		n.cfg.Note(events.Elected, fmt.Sprintf("%s leads by itself, without a vote", n.cfg.Name), fields)
	case !on && was:
		n.cfg.Note(events.Deposed, fmt.Sprintf("%s no longer leads by itself", n.cfg.Name), fields)
	}
	if on != was {
		n.leaderChanged.Broadcast()
	}
	return on && !was
}
