package consensus

import "sync/atomic"

// fence keeps a leader from proposing while it may have been replaced by a
// node outside its own quorum, see mcp/standby.
type fence struct{ up atomic.Bool }

// Fence makes this node refuse commands, and reads that need the leader, as
// long as it is on.
func (n *Node) Fence(on bool) { n.fence.up.Store(on) }
