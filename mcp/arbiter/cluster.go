// Package arbiter turns the suspicions of single nodes into decisions of the cluster: a node
// is lost when a majority of regions finds it dead, and found again when they do not. The
// leader decides, and its decisions are committed, so a side without a majority decides
// nothing.
package arbiter

import (
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Cluster is the nodes and regions of the platform.
type Cluster struct {
	Regions  map[string]string // of each node
	Weights  map[string]int    // of each region when it is healthy
	Control  []string          // the nodes that probe, sorted
	Voters   []string          // the nodes that may lead, sorted
	Gateways []string          // the nodes that take users' calls
}

// Nodes lists all nodes, sorted.
func (c Cluster) Nodes() []string { return keys(c.Regions) }

// MainRegion is the region with the highest weight, of equal ones the first by name.
func (c Cluster) MainRegion() string {
	var main string
	for _, r := range keys(c.Weights) {
		if main == "" || c.Weights[r] > c.Weights[main] {
			main = r
		}
	}
	return main
}

// FirstControl is the first control node of the main region, by name.
func (c Cluster) FirstControl() string {
	main := c.MainRegion()
	for _, node := range c.Control {
		if c.Regions[node] == main {
			return node
		}
	}
	return ""
}

// Lost returns the nodes that a majority of regions finds dead, sorted. A region whose prober
// has been assigned only just now cannot say yet: it neither makes a node lost nor brings
// one back. The leader that asks is never lost. A result that would leave no majority of control nodes contradicts the
// majority by which the leader leads. Then the probes are wrong, perhaps because all links
// are slow, and the present decision stays.
func (c Cluster) Lost(h state.HealthView, leader string) []string {
	var lost []string
	for _, node := range c.Nodes() {
		against := c.votes(h, node, dead)
		if slices.Contains(h.Lost, node) {
			against += c.votes(h, node, undecided)
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
		return h.Lost
	}
	return lost
}

// NextQuarters returns how many quarters of its weight each region may carry next: none while
// all its gateways are lost, and one more than now when step allows it.
func (c Cluster) NextQuarters(h state.HealthView, lost []string, step bool) map[string]uint32 {
	out := map[string]uint32{}
	for region := range c.Weights {
		q := h.QuartersOf(region)
		switch {
		case c.regionLost(region, lost):
			q = 0
		case q < state.FullWeight && step:
			q++
		}
		out[region] = q
	}
	return out
}

// regionLost reports whether all gateways of a region are lost.
func (c Cluster) regionLost(region string, lost []string) bool {
	for _, node := range c.Gateways {
		if c.Regions[node] == region && !slices.Contains(lost, node) {
			return false
		}
	}
	return true
}
