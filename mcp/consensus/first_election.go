package consensus

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// firstTerm is the term of the entry with which a log begins.
const firstTerm = 1

// begin spares a new cluster the wait for its first election timeout. In a new
// cluster nobody has led before, so the node that is to begin need not wait for
// a leader's silence: it stands as soon as a majority would vote for it. Whether
// it would, it asks with pre-votes, which change nothing at whom they ask, and
// which nobody grants to a node that has lost its disk and comes back empty to a
// cluster that lives. The vote itself is an ordinary one. When it fails, or
// never comes about, the ordinary timeouts are still running.
func (n *Node) begin() {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Heartbeat)
	defer cancel()
	granted := make(chan struct{}, len(n.cfg.Voters))
	for _, name := range n.cfg.Voters {
		if name != n.cfg.Name {
			n.work.Go(func() { n.awaitVoter(ctx, name, n.cfg.Peers[name], granted) })
		}
	}
	for missing := len(n.cfg.Voters) / 2; missing > 0; missing-- {
		select {
		case <-granted:
		case <-ctx.Done():
			return
		}
	}
	self := raft.ServerID(n.cfg.Name)
	if err := n.transport.TimeoutNow(self, raft.ServerAddress(n.cfg.Peers[n.cfg.Name]),
		&raft.TimeoutNowRequest{RPCHeader: n.header()}, &raft.TimeoutNowResponse{}); err != nil {
		n.cfg.Logger.Warn("cannot begin the first election", "error", err)
	}
}

// awaitVoter asks a peer until it would vote for a node that has nothing but
// the log's first entry.
func (n *Node) awaitVoter(ctx context.Context, name, addr string, granted chan<- struct{}) {
	ask := &raft.RequestPreVoteRequest{RPCHeader: n.header(), Term: firstTerm + 1, LastLogIndex: 1, LastLogTerm: firstTerm}
	for ctx.Err() == nil {
		var answer raft.RequestPreVoteResponse
		err := n.transport.RequestPreVote(raft.ServerID(name), raft.ServerAddress(addr), ask, &answer)
		if err == nil && answer.Granted {
			granted <- struct{}{}
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (n *Node) header() raft.RPCHeader {
	return raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax,
		ID:              []byte(n.cfg.Name), Addr: n.transport.EncodePeer(raft.ServerID(n.cfg.Name), raft.ServerAddress(n.cfg.Peers[n.cfg.Name])),
	}
}
