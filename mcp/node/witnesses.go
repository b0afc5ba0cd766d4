package node

import (
	"slices"
)

// witnesses lists whom to ask about a peer that no longer answers this node:
// control nodes of third regions. One of this node's region shares its links,
// and one of the peer's region may be cut off together with it and vouch for it.
func (n *node) witnesses(peer string) []string {
	c := n.cluster()
	if len(c.Control) == 0 { // this node holds no log, yet or at all
		c = n.cfg.plannedCluster()
	}
	return slices.DeleteFunc(c.Control, func(w string) bool {
		return c.Regions[w] == n.cfg.Region || c.Regions[w] == c.Regions[peer]
	})
}
