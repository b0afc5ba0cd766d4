package node

import "slices"

// witnesses lists whom to ask about a peer that no longer answers this node:
// control nodes of third regions. One of this node's region shares its links,
// and one of the peer's region may be cut off together with it and vouch for it.
func (n *node) witnesses(peer string) []string {
	return slices.DeleteFunc(n.cfg.with(Control), func(w string) bool {
		region := n.cfg.Peers[w].Region
		return region == n.cfg.Region || region == n.cfg.Peers[peer].Region
	})
}
