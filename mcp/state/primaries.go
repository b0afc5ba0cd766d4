package state

import (
	"maps"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// PrimaryTerm is who is the primary of a class of journals, as the cluster agreed.
// The zero PrimaryTerm is vacant.
type PrimaryTerm struct {
	Epoch       uint64 `json:"epoch"`
	Primary     string `json:"primary"`
	Incarnation string `json:"life"` // of the primary's process
}

// PrimaryTerm returns the present primary of a class.
func (s *State) Primary(c api.Class) PrimaryTerm {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d.Offices[c]
}

// promote puts a primary in office, unless the epoch is already taken.
func (d *data) promote(p *api.Promotion) {
	if p.Epoch > d.Offices[p.Class].Epoch {
		d.Offices[p.Class] = PrimaryTerm{Epoch: p.Epoch, Primary: p.Primary, Incarnation: p.Life}
	}
}

// StreamLeaders returns which node leads each stream of the bus, as was last agreed.
func (s *State) StreamLeaders() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.d.Seats)
}
