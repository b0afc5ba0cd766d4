package state

import (
	"maps"
	"slices"
)

// HealthView is what the cluster agreed on about its nodes.
type HealthView struct {
	Suspects       map[string][]string // who each reporter takes for dead
	Known          map[string][]string // whom each reporter has probed for long enough to tell
	Lost           []string            // declared lost by arbitration, sorted
	WeightQuarters map[string]uint32   // of its weight that each region carries; absent means FullWeight
}

// HealthView returns a copy of the present standing.
func (s *State) HealthView() HealthView {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := HealthView{Suspects: map[string][]string{}, Known: map[string][]string{}, Lost: slices.Clone(s.d.Lost), WeightQuarters: maps.Clone(s.d.Quarters)}
	for r, l := range s.d.Suspects {
		out.Suspects[r] = slices.Clone(l)
	}
	for r, l := range s.d.Known {
		out.Known[r] = slices.Clone(l)
	}
	return out
}

// QuartersOf returns the quarters of its weight that a region carries.
func (s HealthView) QuartersOf(region string) uint32 {
	if q, ok := s.WeightQuarters[region]; ok {
		return q
	}
	return FullWeight
}

// Weights spreads 100 over the regions by their base weights and shares.
// When no region may carry any traffic all get zero.
func (s HealthView) Weights(base map[string]int) map[string]int {
	total := 0
	for r, w := range base {
		total += w * int(s.QuartersOf(r))
	}
	out := map[string]int{}
	for r, w := range base {
		if total > 0 {
			out[r] = (100*w*int(s.QuartersOf(r)) + total/2) / total
		} else {
			out[r] = 0
		}
	}
	return out
}
