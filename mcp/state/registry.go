package state

import (
	"maps"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Registration is how a node last registered itself.
type Registration struct {
	Region      string   `json:"region"`
	Roles       []string `json:"roles"`
	Incarnation string   `json:"incarnation,omitempty"` // when it came up; empty while it never has come up
	Offers      []Offer  `json:"offers,omitempty"`
}

// Offer is one service of a node.
type Offer struct {
	Service string `json:"service"`
	Port    int    `json:"port"`
	Role    string `json:"role"`
	Term    uint64 `json:"term,omitempty"` // in which a leader leads
}

func (d *data) register(r *api.Registration) {
	out := Registration{Region: r.Region, Roles: r.Roles, Incarnation: r.Incarnation}
	for _, o := range r.Offers {
		out.Offers = append(out.Offers, Offer{Service: o.Service, Port: int(o.Port), Role: o.Role, Term: o.Term})
	}
	d.Registry[r.Node] = out
}

// Command makes the log entry that registers a node with this registration.
func (r Registration) Command(node string) *api.Command {
	out := &api.Registration{Node: node, Region: r.Region, Roles: r.Roles, Incarnation: r.Incarnation}
	for _, o := range r.Offers {
		out.Offers = append(out.Offers, &api.Offer{Service: o.Service, Port: uint32(o.Port), Role: o.Role, Term: o.Term})
	}
	return &api.Command{Do: &api.Command_Registration{Registration: out}}
}

// Registry returns the registrations by node. Callers must not change their slices.
func (s *State) Registry() map[string]Registration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.d.Registry)
}
