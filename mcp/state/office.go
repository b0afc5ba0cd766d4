package state

import "github.com/mcp-resilience/holdfast/mcp/api"

// Office is who is the primary of a class of journals, as the cluster agreed.
// The zero Office is vacant.
type Office struct {
	Epoch   uint64 `json:"epoch"`
	Primary string `json:"primary"`
	Life    string `json:"life"` // of the primary's process
}

// Office returns the present primary of a class.
func (s *State) Office(c api.Class) Office {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d.Offices[c]
}

// promote puts a primary in office, unless the epoch is already taken.
func (d *data) promote(p *api.Promotion) {
	if p.Epoch > d.Offices[p.Class].Epoch {
		d.Offices[p.Class] = Office{Epoch: p.Epoch, Primary: p.Primary, Life: p.Life}
	}
}
