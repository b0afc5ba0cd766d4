// Package arbiter turns single nodes' suspicions into decisions of the
// cluster: a node is lost when most regions find it dead, and found again when
// they do not. Decisions are made by the leader and committed, so a side
// without a majority cannot decide anything.
package arbiter

import (
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Cluster is who there is.
type Cluster struct {
	Regions  map[string]string // of each node
	Weights  map[string]int    // of each region, when all is well
	Control  []string          // the nodes that probe, sorted
	Voters   []string          // the nodes that may lead, sorted
	Gateways []string          // the nodes that users enter by
}

// Nodes lists all nodes, sorted.
func (c Cluster) Nodes() []string { return keys(c.Regions) }

// MainRegion is the region with the most weight; of equals the first by name.
func (c Cluster) MainRegion() string {
	var main string
	for _, r := range keys(c.Weights) {
		if main == "" || c.Weights[r] > c.Weights[main] {
			main = r
		}
	}
	return main
}

// FirstControl is the main region's first control node by name.
func (c Cluster) FirstControl() string {
	main := c.MainRegion()
	for _, node := range c.Control {
		if c.Regions[node] == main {
			return node
		}
	}
	return ""
}

// Lost lists the nodes that a majority of regions finds dead, sorted. A region
// whose duty has just moved has not found out yet: it neither makes a node lost nor
// brings one back. The leader that asks is never lost, for it leads. A result
// that would leave no majority of control nodes contradicts the majority that the
// leader has: then probes lie (all links are slow, say) and the present standing is kept.
func (c Cluster) Lost(s state.HealthView, leader string) []string {
	var lost []string
	for _, node := range c.Nodes() {
		against := c.count(s, node, dead)
		if slices.Contains(s.Lost, node) {
			against += c.count(s, node, undecided)
		}
		if node != leader && 2*against > len(c.Weights) {
			lost = append(lost, node)
		}
	}
	gone := 0
	for _, node := range c.Control {
		if slices.Contains(lost, node) {
			gone++
		}
	}
	if 2*(len(c.Control)-gone) <= len(c.Control) {
		return s.Lost
	}
	return lost
}

// NextQuarters returns the share of its weight that each region may carry next:
// none while all its gateways are lost, and a quarter more than now when it may
// step up.
func (c Cluster) NextQuarters(s state.HealthView, lost []string, step bool) map[string]uint32 {
	out := map[string]uint32{}
	for region := range c.Weights {
		q := s.QuartersOf(region)
		switch {
		case c.gone(region, lost):
			q = 0
		case q < state.FullWeight && step:
			q++
		}
		out[region] = q
	}
	return out
}

// gone says whether a region has no gateway left.
func (c Cluster) gone(region string, lost []string) bool {
	for _, node := range c.Gateways {
		if c.Regions[node] == region && !slices.Contains(lost, node) {
			return false
		}
	}
	return true
}
