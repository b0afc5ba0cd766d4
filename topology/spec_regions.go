package topology

import (
	"cmp"
	"slices"
	"time"
)

// SpecRegion is a region of the user's own in a Spec.
type SpecRegion struct {
	Name Region `json:"name" yaml:"name"`
	// Weight is its share of the traffic. Without any weight the first region has 100 less 10 for each of the
	// others, which have 10.
	Weight int `json:"weight,omitempty" yaml:"weight,omitempty"`
	// Nodes is the number of its nodes; 0 means that of the Spec.
	Nodes int `json:"nodes,omitempty" yaml:"nodes,omitempty"`
}

// ResolveRegions returns the regions that the spec asks for, with every weight and number of nodes filled in: its own,
// or those of the target where it names none.
func (s Spec) ResolveRegions(ofTarget []RegionSpec) []SpecRegion {
	out := slices.Clone(s.Regions)
	if len(out) == 0 {
		for _, r := range ofTarget {
			out = append(out, SpecRegion{Name: r.Region, Weight: r.Weight})
		}
	}
	unweighted := !slices.ContainsFunc(out, func(r SpecRegion) bool { return r.Weight > 0 })
	for i := range out {
		out[i].Nodes = cmp.Or(out[i].Nodes, s.Nodes, 1)
		switch {
		case unweighted && i == 0:
			out[i].Weight = 100 - 10*(len(out)-1)
		case unweighted:
			out[i].Weight = 10
		}
	}
	return out
}

// RegionSpecs are the declared regions of resolved ones.
func RegionSpecs(regions []SpecRegion) []RegionSpec {
	out := make([]RegionSpec, len(regions))
	for i, r := range regions {
		out[i] = RegionSpec{Region: r.Name, Weight: r.Weight}
	}
	return out
}

// ResolveLatency returns the latencies that the spec gives, or the same between any two regions where it gives none.
func (s Spec) ResolveLatency(regions []SpecRegion, oneWay time.Duration) []RegionLatency {
	out := slices.Clone(s.Latency)
	if len(out) > 0 {
		return out
	}
	for i, a := range regions {
		for _, b := range regions[i+1:] {
			out = append(out, RegionLatency{A: a.Name, B: b.Name, OneWay: oneWay})
		}
	}
	return out
}
