package state

import (
	"maps"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// PrimaryTerm is the cluster's agreement on the primary of a class of journals. The zero
// PrimaryTerm is of a class that has no primary yet.
type PrimaryTerm struct {
	Epoch       uint64 `json:"epoch"`
	Primary     string `json:"primary"`
	Incarnation string `json:"incarnation"` // of the primary's process: a restarted one is not the primary any more
}

// Primary returns the present primary of a class.
func (s *State) Primary(c api.Class) PrimaryTerm {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d.Primaries[c]
}

// promote makes a node the primary, unless another has been since in that epoch.
func (d *data) promote(p *api.Promotion) {
	if p.Epoch > d.Primaries[p.Class].Epoch {
		d.Primaries[p.Class] = PrimaryTerm{Epoch: p.Epoch, Primary: p.Primary, Incarnation: p.Incarnation}
	}
}

// StreamLeaders returns the node that leads each stream of the bus, as last agreed.
func (s *State) StreamLeaders() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.d.StreamLeaders)
}
