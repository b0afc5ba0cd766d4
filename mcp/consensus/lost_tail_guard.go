package consensus

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// lostTailGuard protects the cluster from a node whose disk has lost entries that were
// synced, and that may therefore have been acknowledged. The node knows the last of them.
// Until a leader has sent it a log that reaches as far again, it does not stand for
// election, and it votes only for a candidate whose log is at least as complete as its
// own was. So whoever is elected has what was committed, even though this node has not.
// Without the guard, two of three nodes could elect one of themselves while neither has
// an entry that was committed.
type lostTailGuard struct {
	target atomic.Pointer[logPosition] // the end of the log that was lost; nil when nothing is missing
}

var errLostTail = errors.New("this node's disk has lost log entries that were synced: it takes no part in elections until a leader has sent them again")

// pending returns how far the log has to reach, nil when nothing is missing. It ends the
// guard when the log, whose last index it asks for, has grown that far.
func (g *lostTailGuard) pending(last func() uint64) *logPosition {
	target := g.target.Load()
	if target != nil && last() >= target.index {
		g.target.Store(nil)
		return nil
	}
	return target
}

// RequestPreVote stands for election, unless entries are missing.
func (t *transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestPreVoteRequest, answer *raft.RequestPreVoteResponse) error {
	if t.missingTail() != nil {
		return errLostTail
	}
	return t.NetworkTransport.RequestPreVote(id, to, ask, answer)
}

// RequestVote stands for election, unless entries are missing.
func (t *transport) RequestVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestVoteRequest, answer *raft.RequestVoteResponse) error {
	if t.missingTail() != nil {
		return errLostTail
	}
	return t.NetworkTransport.RequestVote(id, to, ask, answer)
}

// Consumer gives raft the requests of peers, without those for a vote that this node
// must not give while entries are missing.
func (t *transport) Consumer() <-chan raft.RPC {
	if t.lostTail.target.Load() == nil {
		return t.NetworkTransport.Consumer()
	}
	t.startFilter.Do(func() {
		t.requests = make(chan raft.RPC)
		go t.forwardRequests()
	})
	return t.requests
}

func (t *transport) forwardRequests() {
	for {
		select {
		case <-t.closed:
			return
		case rpc := <-t.NetworkTransport.Consumer():
			if target := t.missingTail(); target != nil && !mayVoteFor(rpc.Command, *target) {
				rpc.Respond(nil, errLostTail)
				continue
			}
			select {
			case t.requests <- rpc:
			case <-t.closed:
				return
			}
		}
	}
}

// mayVoteFor reports whether a request may be answered: a request for a vote only if the
// candidate's log reaches as far as target, any other always.
func mayVoteFor(command any, target logPosition) bool {
	switch ask := command.(type) {
	case *raft.RequestVoteRequest:
		return logPosition{ask.LastLogIndex, ask.LastLogTerm}.covers(target)
	case *raft.RequestPreVoteRequest:
		return logPosition{ask.LastLogIndex, ask.LastLogTerm}.covers(target)
	}
	return true
}

// missingTail reads how far the log reaches from disk: entries that raft only holds in
// memory do not count.
func (t *transport) missingTail() *logPosition {
	return t.lostTail.pending(func() uint64 {
		last, err := t.lastIndex()
		if err != nil {
			return 0
		}
		return last
	})
}

// checkOtherVoters returns an error for a node that has lost entries and votes alone. It
// would not wait for a leader but elect itself, since raft does not ask its own node for
// a vote over the transport, and it would make the learners delete the very entries that
// it has lost and they hold.
func (l *diskLog) checkOtherVoters(snaps *snapshotStore, self string, lost logPosition) error {
	c, err := l.lastConfiguration(snaps)
	if err != nil {
		return damageError(l.dir, err)
	}
	var voters []string
	for _, s := range c.Servers {
		if s.Suffrage == raft.Voter {
			voters = append(voters, string(s.ID))
		}
	}
	if !slices.Equal(voters, []string{self}) {
		return nil
	}
	last, err := l.LastIndex()
	if err != nil {
		return damageError(l.dir, err)
	}
	return fmt.Errorf("the log in %s had been synced up to entry %d and ends with %d, and this node alone votes, so it does not start: no leader could send the lost entries again; "+
		"remedy: leave it stopped, and a standby takes over with what it has learned; without a standby, empty the data folders of all nodes, and they restore the newest snapshot of the object store (--snapshots)",
		l.dir, lost.index, last)
}

// lastConfiguration is the cluster's latest configuration, from the log or else from a snapshot.
func (l *diskLog) lastConfiguration(snaps *snapshotStore) (c raft.Configuration, err error) {
	all, err := snaps.List()
	if err != nil {
		return c, err
	}
	var newest uint64
	for _, s := range all { // of two with the same index the later one is listed first
		if s.Index > newest {
			newest, c = s.Index, s.Configuration
		}
	}
	first, ferr := l.FirstIndex()
	last, lerr := l.LastIndex()
	if err := errors.Join(ferr, lerr); err != nil {
		return c, err
	}
	for i := last; i >= first && i > newest; i-- {
		var e raft.Log
		if err := l.GetLog(i, &e); err != nil {
			return c, err
		}
		if e.Type == raft.LogConfiguration {
			return raft.DecodeConfiguration(e.Data), nil
		}
	}
	return c, nil
}
