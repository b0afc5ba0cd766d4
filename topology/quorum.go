package topology

import "slices"

// FaultImpact is what a set of faults takes away by design: nodes that cannot
// answer, and links that cannot carry a request and its reply. Slowness takes
// nothing away.
type FaultImpact struct {
	Down     []NodeID `json:"down,omitempty"`
	CutFlows []Flow   `json:"cutFlows,omitempty"`
}

// MergeImpacts joins the impacts of overlapping faults.
func MergeImpacts(impacts ...FaultImpact) FaultImpact {
	var out FaultImpact
	for _, i := range impacts {
		out.Down = append(out.Down, i.Down...)
		out.CutFlows = append(out.CutFlows, i.CutFlows...)
	}
	return out
}

// graph is which nodes are down and which links are cut.
type graph struct {
	down map[NodeID]bool
	cut  map[Link]bool
}

func (i FaultImpact) graph() graph {
	g := graph{map[NodeID]bool{}, map[Link]bool{}}
	for _, n := range i.Down {
		g.down[n] = true
	}
	for _, c := range i.CutFlows {
		g.cut[c.Link] = true // a reply needs both flows, so one cut flow is enough
	}
	return g
}

// connected reports whether two nodes are up and reach each other both ways.
func (g graph) connected(a, b NodeID) bool {
	return !g.down[a] && !g.down[b] &&
		!g.cut[Link{Endpoint{Node: a}, b}] && !g.cut[Link{Endpoint{Node: b}, a}]
}

// QuorumMembers returns, for each voter that can lead (it and the voters that it is
// connected to are more than half of all voters), that voter and those peers. An
// empty result means that no quorum survives.
func (t Topology) QuorumMembers(i FaultImpact) map[NodeID][]NodeID {
	g := i.graph()
	var voters []NodeID
	for _, n := range t.Nodes {
		if n.Voter {
			voters = append(voters, n.ID)
		}
	}
	out := map[NodeID][]NodeID{}
	for _, a := range voters {
		if g.down[a] {
			continue
		}
		peers := []NodeID{a}
		for _, b := range voters {
			if a != b && g.connected(a, b) {
				peers = append(peers, b)
			}
		}
		if 2*len(peers) > len(voters) {
			out[a] = peers
		}
	}
	return out
}

// HasQuorum reports whether the clients of a region can reach a majority: some
// node that they reach both ways either can lead or is connected to one that can.
func (t Topology) HasQuorum(clients Region, i FaultImpact) bool {
	g := i.graph()
	leaders := t.QuorumMembers(i)
	if len(leaders) == 0 {
		return false
	}
	for _, n := range t.Nodes {
		if g.down[n.ID] || g.cut[Link{Endpoint{Clients: clients}, n.ID}] {
			continue
		}
		if _, leads := leaders[n.ID]; leads {
			return true
		}
		for l := range leaders {
			if g.connected(n.ID, l) {
				return true
			}
		}
	}
	return false
}

// CanReachQuorum reports whether a node is up and can lead, or is connected both
// ways to a voter that can.
func (t Topology) CanReachQuorum(n NodeID, i FaultImpact) bool {
	leaders := t.QuorumMembers(i)
	if _, leads := leaders[n]; leads {
		return true
	}
	g := i.graph()
	for l := range leaders {
		if g.connected(n, l) {
			return true
		}
	}
	return false
}

// CutOffFromQuorum reports whether a node is up and has no path, not even over other nodes, to one
// that can lead.
func (t Topology) CutOffFromQuorum(n NodeID, i FaultImpact) bool {
	g, leaders := i.graph(), t.QuorumMembers(i)
	if g.down[n] {
		return false
	}
	reached := []NodeID{n}
	for k := 0; k < len(reached); k++ {
		if _, leads := leaders[reached[k]]; leads {
			return false
		}
		for _, other := range t.Nodes {
			if !slices.Contains(reached, other.ID) && g.connected(reached[k], other.ID) {
				reached = append(reached, other.ID)
			}
		}
	}
	return true
}

// Disconnected reports whether two nodes cannot exchange a request and its reply.
func (i FaultImpact) Disconnected(a, b NodeID) bool { return !i.graph().connected(a, b) }
