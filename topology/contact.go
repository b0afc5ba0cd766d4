package topology

// InTouch says whether a node is up and can lead, or can talk both ways to a
// voter that can.
func (t Topology) InTouch(n NodeID, d Damage) bool {
	leaders := t.Majorities(d)
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

// Parted says whether the damage keeps two nodes from talking both ways.
func (d Damage) Parted(a, b NodeID) bool { return !d.graph().talk(a, b) }
