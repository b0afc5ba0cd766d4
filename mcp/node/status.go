package node

import (
	"encoding/json"
	"net/http"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

func (n *node) status() api.NodeStatus {
	leader, _ := n.consensus.Leader()
	applied, _ := n.consensus.Committed().Applied()
	standing := n.consensus.Committed().HealthView()
	s := api.NodeStatus{
		Node: n.cfg.Name, Region: n.cfg.Region, Roles: n.cfg.Peers[n.cfg.Name].Roles, Role: "follower", Leader: leader, Term: n.consensus.Term(),
		Applied: applied, Weights: standing.Weights(n.cfg.Weights), Lost: standing.Lost, Primaries: n.primaries(),
		Services: serviceLines(n.directory().List("")),
		Streams:  n.consensus.Committed().StreamLeaders(),
	}
	if term, ok := n.consensus.Leads(); ok {
		s.Role, s.Term = "leader", term
	}
	return s
}

func (n *node) serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(n.status())
}

// applied is the log index up to which the node's state is.
func (n *node) applied() uint64 {
	index, _ := n.consensus.Committed().Applied()
	return index
}
