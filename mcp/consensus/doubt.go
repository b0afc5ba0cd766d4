package consensus

import (
	"errors"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// doubt is of a node whose disk has lost entries that were synced, and may have
// been acknowledged on its word. It knows up to which. Until a leader has given
// it a log that reaches as far again it does not stand for election, and votes as
// it would with the log that it had: for who has at least as much. So whoever
// leads has what was committed, though this node has it not. Without doubt, two
// of three of which neither has a committed entry could elect one of them.
type doubt struct {
	until atomic.Pointer[place] // nil: there is none
}

var errDoubt = errors.New("in doubt: the disk has lost what was synced, and this node waits for a log that reaches as far")

// unless ends the doubt when the log has grown far enough, and returns up to
// where it would have to, nil when there is no doubt.
func (d *doubt) unless(last func() uint64) *place {
	until := d.until.Load()
	if until != nil && last() >= until.index {
		d.until.Store(nil)
		return nil
	}
	return until
}

// RequestPreVote and RequestVote are how this node stands for election.
func (t *transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestPreVoteRequest, answer *raft.RequestPreVoteResponse) error {
	if t.inDoubt() != nil {
		return errDoubt
	}
	return t.NetworkTransport.RequestPreVote(id, to, ask, answer)
}

func (t *transport) RequestVote(id raft.ServerID, to raft.ServerAddress, ask *raft.RequestVoteRequest, answer *raft.RequestVoteResponse) error {
	if t.inDoubt() != nil {
		return errDoubt
	}
	return t.NetworkTransport.RequestVote(id, to, ask, answer)
}

// Consumer gives raft what peers ask of this node, without the votes that one
// in doubt must not give.
func (t *transport) Consumer() <-chan raft.RPC {
	if t.doubt.until.Load() == nil {
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
			if until := t.inDoubt(); until != nil && !worthy(rpc.Command, *until) {
				rpc.Respond(nil, errDoubt)
				continue
			}
			select {
			case t.asked <- rpc:
			case <-t.closed:
				return
			}
		}
	}
}

// worthy says of a request for a vote whether the candidate's log covers a
// place; whatever else is asked is.
func worthy(command any, until place) bool {
	switch ask := command.(type) {
	case *raft.RequestVoteRequest:
		return place{ask.LastLogIndex, ask.LastLogTerm}.covers(until)
	case *raft.RequestPreVoteRequest:
		return place{ask.LastLogIndex, ask.LastLogTerm}.covers(until)
	}
	return true
}

// inDoubt asks the log itself: what raft has in memory only would not do.
func (t *transport) inDoubt() *place {
	return t.doubt.unless(func() uint64 {
		last, err := t.last()
		if err != nil {
			return 0
		}
		return last
	})
}
