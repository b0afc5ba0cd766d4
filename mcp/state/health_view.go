package state

import (
	"maps"
	"slices"
)

// HealthView is what the cluster has agreed on about the health of its nodes.
type HealthView struct {
	Suspects       map[string][]string // the nodes that each reporter suspects
	Known          map[string][]string // the nodes that each reporter has probed for long enough to say
	Lost           []string            // declared lost by arbitration, sorted
	WeightQuarters map[string]uint32   // quarters of its weight that each region carries; absent means FullWeight
}

// HealthView returns a copy of the present view.
func (s *State) HealthView() HealthView {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := HealthView{Suspects: map[string][]string{}, Known: map[string][]string{}, Lost: slices.Clone(s.d.Lost), WeightQuarters: maps.Clone(s.d.WeightQuarters)}
	for r, l := range s.d.Suspects {
		out.Suspects[r] = slices.Clone(l)
	}
	for r, l := range s.d.Known {
		out.Known[r] = slices.Clone(l)
	}
	return out
}

// QuartersOf returns how many quarters of its weight a region carries.
func (v HealthView) QuartersOf(region string) uint32 {
	if q, ok := v.WeightQuarters[region]; ok {
		return q
	}
	return FullWeight
}

// Weights spreads 100 over the regions by their base weights and the quarters of it that
// each carries. When no region may carry any traffic all get zero.
func (v HealthView) Weights(base map[string]int) map[string]int {
	total := 0
	for r, w := range base {
		total += w * int(v.QuartersOf(r))
	}
	out := map[string]int{}
	for r, w := range base {
		if total > 0 {
			out[r] = (100*w*int(v.QuartersOf(r)) + total/2) / total
		} else {
			out[r] = 0
		}
	}
	return out
}
