package node

import (
	"encoding/json"
	"net/http"
	"strings"

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

// applied is the log index of the last entry in the node's state.
func (n *node) applied() uint64 {
	index, _ := n.consensus.Committed().Applied()
	return index
}

// serviceLines is the registry as /status shows it.
func serviceLines(all []*api.Service) map[string][]string {
	out := map[string][]string{}
	for _, s := range all {
		words := []string{s.Node, s.Role}
		if s.Down {
			words = append(words, "down")
		}
		out[s.Name] = append(out[s.Name], strings.Join(words, " "))
	}
	return out
}
