package primarybackup

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// quiesceTimeout is how long a primary may refuse appends so that a successor can take over.
const quiesceTimeout = 1200 * time.Millisecond

// primaryTerm is the time in which this node is the primary, in one epoch.
type primaryTerm struct {
	epoch        uint64
	firstIndex   uint64                      // of the record that began the epoch; nothing is answered before it is committed
	commit       uint64                      // everything up to this index may be acknowledged and read
	shippable    uint64                      // async records up to this index may be shipped
	mark         uint64                      // is sent with the batches; see confirm
	quiescing    bool                        // appends are refused
	quiesceCount int                         // calls of quiesce so far
	replicas     map[string]*replicaProgress // that are connected, by node
	replicating  map[string]bool             // nodes that have a goroutine that ships to them
	ctx          context.Context             // ends with the term
	end          context.CancelFunc
}

// replicaProgress is what the primary knows of a connected replica.
type replicaProgress struct {
	otherRegion bool   // not in the primary's region
	received    uint64 // the last index that it has written
	mark        uint64 // the latest mark that it has sent back
}

// beginTerm makes this node the primary in an epoch, unless a newer one is promised.
func (j *Journal) beginTerm(ctx context.Context, epoch uint64) (*primaryTerm, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.checkEpoch(epoch); err != nil {
		return nil, err
	}
	if j.matched.Epoch >= epoch {
		return nil, fmt.Errorf("begin epoch %d of %s: %s has been in epoch %d already", epoch, name(j.class), j.self, j.matched.Epoch)
	}
	last := j.file.Last().Index
	before := j.matched
	j.matched.Epoch = epoch
	if err := j.write(Record{Epoch: epoch, Index: last + 1}); err != nil {
		j.matched = before
		return nil, err
	}
	term := &primaryTerm{epoch: epoch, firstIndex: last + 1, replicas: map[string]*replicaProgress{}, replicating: map[string]bool{}}
	term.ctx, term.end = context.WithCancel(ctx)
	j.term = term
	j.advanceCommit(term)
	j.emitEvent(events.JournalPromoted, fmt.Sprintf("%s is the primary in epoch %d, after record %d", j.self, epoch, last),
		map[string]string{"epoch": strconv.FormatUint(epoch, 10), "index": strconv.FormatUint(last, 10), "primary": j.self})
	return term, nil
}

// endTerm ends a term. Appends that wait for their acknowledgement fail with an
// unknown outcome. The caller holds the lock.
func (j *Journal) endTerm(term *primaryTerm) {
	if j.term != term {
		return
	}
	term.end()
	j.term = nil
	j.wakeWaiters()
	j.emitEvent(events.JournalDeposed, fmt.Sprintf("%s is no longer the primary of epoch %d", j.self, term.epoch), map[string]string{"epoch": strconv.FormatUint(term.epoch, 10)})
}

// advanceCommit moves the commit index forward: an async record is committed when
// it is written, a semisync record when it is on this disk and received by a node
// of another region. The caller holds the lock.
func (j *Journal) advanceCommit(term *primaryTerm) {
	if j.term != term {
		return
	}
	commit := j.file.Last().Index
	if j.class == api.Class_SEMISYNC {
		received := uint64(0)
		for _, r := range term.replicas {
			if r.otherRegion {
				received = max(received, r.received)
			}
		}
		commit = min(j.file.Synced(), received)
	}
	if commit >= term.firstIndex && commit > term.commit {
		term.commit = commit
		j.wakeWaiters()
	}
}

// onReceipt takes a replica's receipt into account.
func (j *Journal) onReceipt(term *primaryTerm, replica *replicaProgress, r *api.Receipt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	replica.received = max(replica.received, r.Index)
	if r.Mark > replica.mark {
		replica.mark = r.Mark
		j.wakeWaiters()
	}
	if term.quiescing {
		j.wakeWaiters()
	}
	j.advanceCommit(term)
}

// append appends an entry and waits until it is committed. An error that is a
// refusal (api.Refused) proves that the entry was not appended.
func (j *Journal) append(ctx context.Context, e *api.Entry) (*api.Appended, error) {
	payload, err := proto.Marshal(e)
	if err != nil || len(payload) > MaxPayload {
		return nil, api.Refuse(codes.InvalidArgument, j.self, "", fmt.Sprintf("the entry is too long: it may have %d bytes", MaxPayload))
	}
	j.mu.Lock()
	term := j.term
	if reason := j.whyUnavailable(term); reason != "" {
		j.mu.Unlock()
		return nil, api.Refuse(codes.Unavailable, j.self, "", reason)
	}
	index, duplicate := j.sets.ids[e.Id]
	if !duplicate {
		index = j.file.Last().Index + 1
		if err := j.write(Record{Epoch: term.epoch, Index: index, Payload: payload}); err != nil {
			j.endTerm(term)
			j.mu.Unlock()
			return nil, status.Error(codes.Aborted, err.Error()+", outcome unknown")
		}
		j.advanceCommit(term)
	}
	j.mu.Unlock()
	if err := j.await(ctx, term, func() bool { return term.commit >= index }); err != nil {
		return nil, status.Error(codes.Aborted, fmt.Sprintf("%s: append to %s: %v, outcome unknown", j.self, name(j.class), err))
	}
	return &api.Appended{Position: &api.Position{Epoch: term.epoch, Index: index}, Duplicate: duplicate}, nil
}

// whyUnavailable returns why appends are refused now, or "" when they are not. The
// caller holds the lock.
func (j *Journal) whyUnavailable(term *primaryTerm) string {
	switch {
	case term == nil:
		return "not the primary of " + name(j.class)
	case term.quiescing:
		return "the primary of " + name(j.class) + " is handing over to another node"
	case j.class == api.Class_SEMISYNC && !term.hasRemoteReplica():
		return "no node of another region is connected to the primary of " + name(j.class)
	}
	return ""
}

// hasRemoteReplica reports whether a replica of another region is connected.
func (term *primaryTerm) hasRemoteReplica() bool {
	for _, r := range term.replicas {
		if r.otherRegion {
			return true
		}
	}
	return false
}

// confirm returns a position such that every copy that contains it holds all that had
// been acknowledged when confirm was called. For semisync it also proves that no other
// node was primary then: a mark goes to the replicas and must come back from one of
// another region, which would not reply if it had been fenced. Async does not ask.
func (j *Journal) confirm(ctx context.Context) (Position, error) {
	j.mu.Lock()
	term := j.term
	if term == nil {
		j.mu.Unlock()
		return Position{}, api.Refuse(codes.Unavailable, j.self, "", "not the primary of "+name(j.class))
	}
	term.mark++
	mark := term.mark
	at := term.commit
	if j.class == api.Class_SEMISYNC {
		j.changed.Broadcast()
	}
	j.mu.Unlock()
	err := j.await(ctx, term, func() bool {
		if at < term.firstIndex {
			at = term.commit // the epoch had not begun; all older acknowledgements are before its first record
		}
		return at >= term.firstIndex && (j.class != api.Class_SEMISYNC || term.markReturned(mark))
	})
	if err != nil {
		return Position{}, status.Error(codes.Unavailable, fmt.Sprintf("%s: confirm read of %s: %v", j.self, name(j.class), err))
	}
	return Position{term.epoch, at}, nil
}

// markReturned reports whether a replica of another region has sent the mark back.
func (term *primaryTerm) markReturned(mark uint64) bool {
	for _, r := range term.replicas {
		if r.otherRegion && r.mark >= mark {
			return true
		}
	}
	return false
}

// quiesce refuses appends and waits until everything is committed and the successor
// ("": any replica) has received it, so that the successor can be promoted without
// loss. If nobody is promoted within quiesceTimeout, appends are accepted again.
func (j *Journal) quiesce(ctx context.Context, successor string) error {
	j.mu.Lock()
	term := j.term
	if term == nil {
		j.mu.Unlock()
		return status.Error(codes.FailedPrecondition, j.self+" is not the primary of "+name(j.class))
	}
	term.quiescing = true
	term.quiesceCount++
	count := term.quiesceCount
	j.mu.Unlock()
	time.AfterFunc(quiesceTimeout, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if term.quiesceCount == count { // a later call has a timeout of its own
			term.quiescing = false
		}
	})
	ctx, cancel := context.WithTimeout(ctx, quiesceTimeout/2)
	defer cancel()
	return j.await(ctx, term, func() bool {
		last := j.file.Last().Index
		if term.commit < last {
			return false
		}
		for peer, r := range term.replicas {
			if r.received == last && (successor == "" || peer == successor) {
				return true
			}
		}
		return false
	})
}
