package state

import (
	"maps"
	"slices"
)

// Standing is what the cluster agreed on about its nodes.
type Standing struct {
	Suspects map[string][]string // who each reporter takes for dead
	Known    map[string][]string // whom each reporter has probed for long enough to tell
	Lost     []string            // declared lost by arbitration, sorted
	Quarters map[string]uint32   // of its weight that each region carries; absent means FullShare
}

// Standing returns a copy of the present standing.
func (s *State) Standing() Standing {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := Standing{Suspects: map[string][]string{}, Known: map[string][]string{}, Lost: slices.Clone(s.d.Lost), Quarters: maps.Clone(s.d.Quarters)}
	for r, l := range s.d.Suspects {
		out.Suspects[r] = slices.Clone(l)
	}
	for r, l := range s.d.Known {
		out.Known[r] = slices.Clone(l)
	}
	return out
}

// Share returns the quarters of its weight that a region carries.
func (s Standing) Share(region string) uint32 {
	if q, ok := s.Quarters[region]; ok {
		return q
	}
	return FullShare
}

// Weights spreads 100 over the regions by their base weights and shares.
// When no region may carry any traffic all get zero.
func (s Standing) Weights(base map[string]int) map[string]int {
	total := 0
	for r, w := range base {
		total += w * int(s.Share(r))
	}
	out := map[string]int{}
	for r, w := range base {
		if total > 0 {
			out[r] = (100*w*int(s.Share(r)) + total/2) / total
		} else {
			out[r] = 0
		}
	}
	return out
}
