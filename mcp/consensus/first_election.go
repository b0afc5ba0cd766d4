package consensus

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// firstTerm is the term of a log's first entry.
const firstTerm = 1

// startFirstElection saves a new cluster the wait for its first election timeout.
// Nobody has led a new cluster yet, so the node that is to start it need not wait for a
// leader to be silent: it stands for election as soon as a majority would vote for it.
// It finds that out by pre-votes, which change nothing at the nodes that are asked, and
// which no node of a running cluster grants to one that has lost its disk and comes back
// empty. The vote itself is an ordinary one. If it fails, or no majority is found, the
// ordinary election timeouts are still running.
func (n *Node) startFirstElection() {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.Heartbeat)
	defer cancel()
	granted := make(chan struct{}, len(n.cfg.Voters))
	for _, name := range n.cfg.Voters {
		if name != n.cfg.Name {
			n.work.Go(func() { n.awaitPreVote(ctx, name, n.cfg.Peers[name], granted) })
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
		&raft.TimeoutNowRequest{RPCHeader: n.rpcHeader()}, &raft.TimeoutNowResponse{}); err != nil {
		n.cfg.Logger.Warn("cannot start the first election", "error", err)
	}
}

// awaitPreVote asks a peer until it would vote for a node whose log has nothing but its
// first entry.
func (n *Node) awaitPreVote(ctx context.Context, name, addr string, granted chan<- struct{}) {
	ask := &raft.RequestPreVoteRequest{RPCHeader: n.rpcHeader(), Term: firstTerm + 1, LastLogIndex: 1, LastLogTerm: firstTerm}
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

func (n *Node) rpcHeader() raft.RPCHeader {
	return raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax,
		ID:              []byte(n.cfg.Name), Addr: n.transport.EncodePeer(raft.ServerID(n.cfg.Name), raft.ServerAddress(n.cfg.Peers[n.cfg.Name])),
	}
}
