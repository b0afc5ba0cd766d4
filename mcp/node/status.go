package node

import (
	"encoding/json"
	"net/http"
)

// Status is what a node says of itself at /status.
type Status struct {
	Node    string         `json:"node"`
	Region  string         `json:"region"`
	Roles   []Role         `json:"roles"`
	Role    string         `json:"role"`   // "leader" or "follower"
	Leader  string         `json:"leader"` // as far as it knows, may be empty
	Term    uint64         `json:"term"`
	Applied uint64         `json:"applied"` // log index
	Weights map[string]int `json:"weights"` // traffic share of each region
	Lost    []string       `json:"lost"`    // by arbitration
	// Primaries are the nodes that the classes semisync and async are written on.
	Primaries map[string]string `json:"primaries"`
	// Services is the registry: for each service its nodes, with their roles and whether they are down.
	Services map[string][]string `json:"services"`

	Streams map[string]string `json:"streams"` // of the bus: which node leads each
}

func (n *node) status() Status {
	leader, _ := n.consensus.Leader()
	applied, _ := n.consensus.Committed().Applied()
	standing := n.consensus.Committed().Standing()
	s := Status{
		Node: n.cfg.Name, Region: n.cfg.Region, Roles: n.cfg.Peers[n.cfg.Name].Roles, Role: "follower", Leader: leader, Term: n.consensus.Term(),
		Applied: applied, Weights: standing.Weights(n.cfg.Weights), Lost: standing.Lost, Primaries: n.primaries(),
		Services: services(n.directory().List("")),
		Streams:  n.consensus.Committed().Seats(),
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
