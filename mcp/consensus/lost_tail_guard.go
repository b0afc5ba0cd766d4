package consensus

import (
	"errors"
	"fmt"
	"slices"
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

// others is an error for a node in doubt that votes alone: it would wait for no
// leader but elect itself, for raft does not ask itself for its vote over the
// transport, and would have the learners cut off what it has lost and they hold.
func (l *diskLog) others(snaps *snapshots, self string, lost place) error {
	c, err := l.members(snaps)
	if err != nil {
		return damaged(l.dir, err)
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
		return damaged(l.dir, err)
	}
	return fmt.Errorf("the log in %s had been synced up to entry %d and ends with %d, and this node alone votes, so it does not start: nobody could make it good; "+
		"remedy: leave it stopped, and a standby takes over with what it has learned; where there is none, empty the data folders of all nodes, and they restore the newest snapshot of the object store (--snapshots)",
		l.dir, lost.index, last)
}

// members is the last configuration in the log, or else in a snapshot.
func (l *diskLog) members(snaps *snapshots) (c raft.Configuration, err error) {
	all, err := snaps.List()
	if err != nil {
		return c, err
	}
	var newest uint64
	for _, s := range all { // of two that reach as far the later one is first
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
