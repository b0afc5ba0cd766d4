package arbiter

import (
	"hash/fnv"
	"slices"

	"github.com/dgryski/go-rendezvous"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// ProberOf returns the control node of a region that has to probe a target, "" when the region
// has none for it. It is chosen by rendezvous hashing among the region's control nodes that
// are not lost; no node probes itself. Every node chooses alike, and when a node is lost
// only its own assignments move.
func (c Cluster) ProberOf(h state.HealthView, region, target string) string {
	var candidates []string
	for _, node := range c.Control {
		if c.Regions[node] == region && node != target && !slices.Contains(h.Lost, node) {
			candidates = append(candidates, node)
		}
	}
	return rendezvous.New(candidates, hashName).Lookup(target)
}

// ProbeTargets returns the nodes that one node has to probe, sorted.
func (c Cluster) ProbeTargets(h state.HealthView, self string) []string {
	var targets []string
	for _, target := range c.Nodes() {
		if target != self && c.ProberOf(h, c.Regions[self], target) == self {
			targets = append(targets, target)
		}
	}
	return targets
}

// hashName hashes a name. FNV gives close values to names that differ in their last
// letter, which would favour one of them; so the bits are mixed (MurmurHash3's finalizer).
func hashName(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// vote is a region's judgement of a node.
type vote int

const (
	none      vote = iota // no node of the region can probe it
	undecided             // its prober has been assigned only just now, and cannot say yet
	alive
	dead
)

// vote is the judgement of the region's prober of the node.
func (c Cluster) vote(h state.HealthView, region, node string) vote {
	prober := c.ProberOf(h, region, node)
	switch {
	case prober == "":
		return none
	case slices.Contains(h.Suspects[prober], node):
		return dead
	case slices.Contains(h.Known[prober], node):
		return alive
	}
	return undecided
}

// votes is how many regions judge a node in one way.
func (c Cluster) votes(h state.HealthView, node string, v vote) int {
	n := 0
	for region := range c.Weights {
		if c.vote(h, region, node) == v {
			n++
		}
	}
	return n
}

// reachable reports whether some region finds a node alive and none finds it dead.
func (c Cluster) reachable(h state.HealthView, node string) bool {
	return c.votes(h, node, alive) > 0 && c.votes(h, node, dead) == 0
}
