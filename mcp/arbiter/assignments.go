package arbiter

import (
	"hash/fnv"
	"slices"

	"github.com/dgryski/go-rendezvous"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// ProberOf is the control node of a region whose duty it is to probe a ward, ""
// when the region has none for it. It is drawn by rendezvous hashing among the
// region's control nodes that are not lost; nobody probes itself. All nodes draw
// alike, and when a node is lost its own duties move and no others.
func (c Cluster) ProberOf(s state.HealthView, region, ward string) string {
	var able []string
	for _, node := range c.Control {
		if c.Regions[node] == region && node != ward && !slices.Contains(s.Lost, node) {
			able = append(able, node)
		}
	}
	return rendezvous.New(able, spread).Lookup(ward)
}

// ProbeTargets lists the nodes that one node has to probe, sorted.
func (c Cluster) ProbeTargets(s state.HealthView, self string) []string {
	var wards []string
	for _, ward := range c.Nodes() {
		if ward != self && c.ProberOf(s, c.Regions[self], ward) == self {
			wards = append(wards, ward)
		}
	}
	return wards
}

// spread hashes a name. FNV leaves names that differ in their last letter close
// to each other, and the draw would favour one of them; so its bits are mixed.
func spread(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// vote is what a region says of a node.
type vote int

const (
	none      vote = iota // it has nobody to say anything
	undecided             // the duty has just come to a node that has not found out yet
	well
	dead
)

// vote asks the region's duty holder.
func (c Cluster) vote(s state.HealthView, region, node string) vote {
	holder := c.ProberOf(s, region, node)
	switch {
	case holder == "":
		return none
	case slices.Contains(s.Suspects[holder], node):
		return dead
	case slices.Contains(s.Known[holder], node):
		return well
	}
	return undecided
}

// count is how many regions vote one way on a node.
func (c Cluster) count(s state.HealthView, node string, v vote) int {
	n := 0
	for region := range c.Weights {
		if c.vote(s, region, node) == v {
			n++
		}
	}
	return n
}

// answers says whether some region finds a node well and none finds it dead.
func (c Cluster) answers(s state.HealthView, node string) bool {
	return c.count(s, node, well) > 0 && c.count(s, node, dead) == 0
}
