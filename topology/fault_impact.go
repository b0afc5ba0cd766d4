package topology

// Flow is one flow of bytes on one link, or both.
type Flow struct {
	Link      Link      `json:"link"`
	Direction Direction `json:"direction"`
}

// FaultImpact is what a set of faults takes away by design: nodes that cannot
// answer and links that cannot carry a request and its reply. Slowness is not
// damage.
type FaultImpact struct {
	Down     []NodeID `json:"down,omitempty"`
	CutFlows []Flow   `json:"cutFlows,omitempty"`
}

// MergeImpacts joins the damage of overlapping faults.
func MergeImpacts(ds ...FaultImpact) FaultImpact {
	var out FaultImpact
	for _, d := range ds {
		out.Down = append(out.Down, d.Down...)
		out.CutFlows = append(out.CutFlows, d.CutFlows...)
	}
	return out
}

// graph answers who can talk to whom under some damage.
type graph struct {
	down map[NodeID]bool
	cut  map[Link]bool
}

func (d FaultImpact) graph() graph {
	g := graph{map[NodeID]bool{}, map[Link]bool{}}
	for _, n := range d.Down {
		g.down[n] = true
	}
	for _, c := range d.CutFlows {
		g.cut[c.Link] = true // a reply needs both flows, so one cut flow is enough
	}
	return g
}

func (g graph) talk(a, b NodeID) bool {
	return !g.down[a] && !g.down[b] &&
		!g.cut[Link{Endpoint{Node: a}, b}] && !g.cut[Link{Endpoint{Node: b}, a}]
}

// QuorumMembers returns, for each voter that can lead (it and the voters it can
// talk to both ways are more than half of all voters), that voter and those
// peers. None means that no quorum survives.
func (t Topology) QuorumMembers(d FaultImpact) map[NodeID][]NodeID {
	g := d.graph()
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
			if a != b && g.talk(a, b) {
				peers = append(peers, b)
			}
		}
		if 2*len(peers) > len(voters) {
			out[a] = peers
		}
	}
	return out
}

// HasQuorum says whether the clients of a region can reach a majority: some
// node that they can reach both ways either can lead or can talk to one that can.
func (t Topology) HasQuorum(clients Region, d FaultImpact) bool {
	g := d.graph()
	leaders := t.QuorumMembers(d)
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
			if g.talk(n.ID, l) {
				return true
			}
		}
	}
	return false
}
