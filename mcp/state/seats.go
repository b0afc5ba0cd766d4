package state

import "maps"

// Seats returns which node leads each stream of the bus, as was last agreed.
func (s *State) Seats() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.d.Seats)
}
