package consensus

import (
	"errors"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// doubt is of a node whose disk has lost entries that were synced, and may have
// been acknowledged on its word. It knows up to which. Until a leader has given
// it a log that reaches as far again it takes no part in elections: neither
// votes nor stands. So whoever leads meanwhile was elected by others, who have
// what was committed; and of that leader the lost entries, if they were
// committed, come back. A majority that has lost its tails waits for the rest.
type doubt struct {
	until atomic.Uint64 // 0: there is none
}

var errDoubt = errors.New("takes no part in elections: its disk has lost what it had synced, and it waits for a leader's log")

// abstains says whether there is doubt; last is how far the log reaches.
func (d *doubt) abstains(last func() uint64) bool {
	until := d.until.Load()
	if until == 0 {
		return false
	}
	if last() < until {
		return true
	}
	d.until.Store(0)
	return false
}

// RequestPreVote and RequestVote are how this node stands for election.
func (t *transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestPreVoteRequest, answer *raft.RequestPreVoteResponse) error {
	if t.abstains() {
		return errDoubt
	}
	return t.NetworkTransport.RequestPreVote(id, to, ask, answer)
}

func (t *transport) RequestVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestVoteRequest, answer *raft.RequestVoteResponse) error {
	if t.abstains() {
		return errDoubt
	}
	return t.NetworkTransport.RequestVote(id, to, ask, answer)
}

// Consumer gives raft what peers ask of this node; of one in doubt no votes.
func (t *transport) Consumer() <-chan raft.RPC {
	if t.doubt.until.Load() == 0 {
		return t.NetworkTransport.Consumer()
	}
	t.filter.Do(func() {
		t.asked = make(chan raft.RPC)
		go t.answerForRaft()
	})
	return t.asked
}

func (t *transport) answerForRaft() {
	for {
		select {
		case <-t.closed:
			return
		case rpc := <-t.NetworkTransport.Consumer():
			switch rpc.Command.(type) {
			case *raft.RequestVoteRequest, *raft.RequestPreVoteRequest:
				if t.abstains() {
					rpc.Respond(nil, errDoubt)
					continue
				}
			}
			select {
			case t.asked <- rpc:
			case <-t.closed:
				return
			}
		}
	}
}

// abstains asks the log itself: what raft has in memory only would not do.
func (t *transport) abstains() bool {
	return t.doubt.abstains(func() uint64 {
		last, err := t.last()
		if err != nil {
			return 0
		}
		return last
	})
}
