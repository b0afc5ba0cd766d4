package consensus

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// AppendEntries sends entries to a peer. When that fails it waits until the peer accepts
// connections again, at most 5 s, before it returns the error. Raft doubles its pause after
// every failure, to more than ten seconds, in which a peer that is back gets nothing; few
// failures keep that pause short. Heartbeats, whose pause raft caps, are not delayed.
func (t *transport) AppendEntries(id raft.ServerID, addr raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := t.NetworkTransport.AppendEntries(id, addr, req, resp)
	if err != nil && !heartbeat(req) {
		t.awaitPeer(string(addr), 5*time.Second)
	}
	return err
}

func heartbeat(req *raft.AppendEntriesRequest) bool {
	return len(req.Entries) == 0 && req.PrevLogEntry == 0 && req.PrevLogTerm == 0 && req.LeaderCommitIndex == 0
}

func (t *transport) awaitPeer(addr string, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for {
		if conn, err := t.layer.dial(ctx, "tcp", addr); err == nil {
			conn.Close()
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		case <-t.closed:
			return
		}
	}
}
