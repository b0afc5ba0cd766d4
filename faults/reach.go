package faults

import (
	"slices"

	"github.com/mcp-resilience/holdfast/topology"
)

// reach is which links a fault between nodes is for.
//
// The sides are the nodes of `on` and those of `to`. Without `to` the other
// side is every node outside `on`; when `on` is already every node, each region
// stands against the others.
type reach struct {
	direction Direction
	// clients also takes in the clients of either side: those of a region whose
	// nodes are all on one side stand on that side, and without `to` the clients
	// of all other regions stand on the other side.
	clients bool
	// opening means that the fault acts on who opens a connection, whichever way
	// the bytes flow then: "A cannot reach B" is then all of A→B and nothing of B→A.
	opening bool
}

// streams lists what the fault disturbs, in the order of the topology's links.
func (r reach) streams(v Victims) []topology.Flow {
	t := v.Cluster.Topology
	near, far := sides(v)
	var out []topology.Flow
	for _, l := range t.Links() {
		if l.From.Clients != "" && !r.clients {
			continue
		}
		to := topology.Endpoint{Node: l.To}
		leaves := near.has(t, l.From) && far.has(t, to) // opened by `on`
		enters := far.has(t, l.From) && near.has(t, to) // opened by `to`
		if near.regions {
			across := t.RegionOf(l.From) != t.RegionOf(to)
			leaves, enters = across, across
		}
		if f := r.flow(leaves, enters); f != "" {
			out = append(out, topology.Flow{Link: l, Direction: f})
		}
	}
	return out
}

// flow says which bytes of a link are disturbed. "A cannot reach B" is the
// upstream flow of what A opened and the downstream flow of what B opened.
func (r reach) flow(leaves, enters bool) topology.Direction {
	switch {
	case !leaves && !enters:
		return ""
	case r.direction.orBoth() == Both, leaves && enters:
		return topology.BothWays
	case r.opening && leaves == (r.direction == To):
		return topology.BothWays
	case r.opening:
		return ""
	case leaves == (r.direction == To):
		return topology.Upstream
	default:
		return topology.Downstream
	}
}

// side is one of the two sets of ends that a fault stands between.
type side struct {
	nodes []topology.NodeID
	// others means every clients' region that is not on the opposite side.
	others  bool
	against []topology.NodeID
	// regions means that each region stands against every other.
	regions bool
}

func sides(v Victims) (near, far side) {
	t := v.Cluster.Topology
	near.nodes = ids(v.Nodes)
	if len(v.To) > 0 {
		far.nodes = ids(v.To)
		return near, far
	}
	for _, n := range t.Nodes {
		if !slices.Contains(near.nodes, n.ID) {
			far.nodes = append(far.nodes, n.ID)
		}
	}
	near.regions = len(far.nodes) == 0
	far.others, far.against = true, near.nodes
	return near, far
}

func (s side) has(t topology.Topology, e topology.Endpoint) bool {
	if e.Node != "" {
		return slices.Contains(s.nodes, e.Node)
	}
	if s.others {
		return !covers(t, s.against, e.Clients)
	}
	return covers(t, s.nodes, e.Clients)
}

// covers says whether the region has nodes and all of them are listed.
func covers(t topology.Topology, nodes []topology.NodeID, r topology.Region) bool {
	in := t.NodesIn(r)
	for _, n := range in {
		if !slices.Contains(nodes, n.ID) {
			return false
		}
	}
	return len(in) > 0
}

func ids(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
