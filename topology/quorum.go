package topology

// CanReachQuorum says whether a node is up and can lead, or can talk both ways to a
// voter that can.
func (t Topology) CanReachQuorum(n NodeID, d FaultImpact) bool {
	leaders := t.QuorumMembers(d)
	if _, leads := leaders[n]; leads {
		return true
	}
	g := d.graph()
	for l := range leaders {
		if g.talk(n, l) {
			return true
		}
	}
	return false
}

// Disconnected says whether the damage keeps two nodes from talking both ways.
func (d FaultImpact) Disconnected(a, b NodeID) bool { return !d.graph().talk(a, b) }
