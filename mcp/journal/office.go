package journal

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

// office is a primary's time of being one.
type office struct {
	epoch    uint64
	opening  uint64           // index of the record that began the epoch; nothing is answered before it is committed
	commit   uint64           // up to here everything may be acknowledged and shown
	ready    uint64           // up to here async records may be shipped
	mark     uint64           // goes out with the batches; see confirm
	resting  bool             // takes nothing new
	rests    int              // begun so far
	ships    map[string]*ship // replicas that are connected
	supplied map[string]bool  // that are shipped to, or tried to
	ctx      context.Context  // ends with the office
	end      context.CancelFunc
}

// ship is what the primary knows of a replica that is connected.
type ship struct {
	far   bool   // in another region
	index uint64 // received
	mark  uint64 // came back
}

// enter takes office in an epoch, unless a newer one is promised.
func (j *Journal) enter(ctx context.Context, epoch uint64) (*office, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.obey(epoch); err != nil {
		return nil, err
	}
	if j.agreed.Epoch >= epoch {
		return nil, fmt.Errorf("%s has been in epoch %d of %s before", j.self, epoch, name(j.class))
	}
	last := j.file.Last().Index
	was := j.agreed
	j.agreed.Epoch = epoch
	if err := j.write(Record{Epoch: epoch, Index: last + 1}); err != nil {
		j.agreed = was
		return nil, err
	}
	o := &office{epoch: epoch, opening: last + 1, ships: map[string]*ship{}, supplied: map[string]bool{}}
	o.ctx, o.end = context.WithCancel(ctx)
	j.office = o
	j.settle(o)
	j.tell(events.JournalPromoted, fmt.Sprintf("%s is the primary in epoch %d, after record %d", j.self, epoch, last),
		map[string]string{"epoch": strconv.FormatUint(epoch, 10), "index": strconv.FormatUint(last, 10), "primary": j.self})
	return o, nil
}

// leave ends an office; who waits learns that the outcome is unknown. The
// caller holds the lock.
func (j *Journal) leave(o *office) {
	if j.office != o {
		return
	}
	o.end()
	j.office = nil
	j.wake()
	j.tell(events.JournalDeposed, fmt.Sprintf("%s is no longer the primary of epoch %d", j.self, o.epoch), map[string]string{"epoch": strconv.FormatUint(o.epoch, 10)})
}

// settle finds how far the journal is committed: async as far as it is
// written, semisync as far as it is on this disk and received by one node of another
// region. The caller holds the lock.
func (j *Journal) settle(o *office) {
	if j.office != o {
		return
	}
	commit := j.file.Last().Index
	if j.class == api.Class_SEMISYNC {
		received := uint64(0)
		for _, s := range o.ships {
			if s.far {
				received = max(received, s.index)
			}
		}
		commit = min(j.file.Synced(), received)
	}
	if commit >= o.opening && commit > o.commit {
		o.commit = commit
		j.wake()
	}
}

// received notes a replica's receipt.
func (j *Journal) received(o *office, s *ship, r *api.Receipt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.index = max(s.index, r.Index)
	if r.Mark > s.mark {
		s.mark = r.Mark
		j.wake()
	}
	if o.resting {
		j.wake()
	}
	j.settle(o)
}

// add appends an entry and waits until it may be acknowledged. An error that
// is a refusal proves that it was not appended.
func (j *Journal) add(ctx context.Context, e *api.Entry) (*api.Appended, error) {
	payload, err := proto.Marshal(e)
	if err != nil || len(payload) > MaxPayload {
		return nil, api.Refuse(codes.InvalidArgument, j.self, "", fmt.Sprintf("an entry of at most %d bytes is wanted", MaxPayload))
	}
	j.mu.Lock()
	o := j.office
	if why := j.closed(o); why != "" {
		j.mu.Unlock()
		return nil, api.Refuse(codes.Unavailable, j.self, "", why)
	}
	index, duplicate := j.content.ids[e.Id]
	if !duplicate {
		index = j.file.Last().Index + 1
		if err := j.write(Record{Epoch: o.epoch, Index: index, Payload: payload}); err != nil {
			j.leave(o)
			j.mu.Unlock()
			return nil, status.Error(codes.Aborted, err.Error()+", outcome unknown")
		}
		j.settle(o)
	}
	j.mu.Unlock()
	if err := j.await(ctx, o, func() bool { return o.commit >= index }); err != nil {
		return nil, status.Error(codes.Aborted, fmt.Sprintf("%s: append to %s: %v, outcome unknown", j.self, name(j.class), err))
	}
	return &api.Appended{Position: &api.Position{Epoch: o.epoch, Index: index}, Duplicate: duplicate}, nil
}

// closed says why an office takes nothing new, "" when it does. The caller holds the lock.
func (j *Journal) closed(o *office) string {
	switch {
	case o == nil:
		return "not the primary of " + name(j.class)
	case o.resting:
		return "the primary of " + name(j.class) + " is handing over"
	case j.class == api.Class_SEMISYNC && !o.heard():
		return "no other region receives what is added to " + name(j.class)
	}
	return ""
}

// heard says whether a node of another region is connected.
func (o *office) heard() bool {
	for _, s := range o.ships {
		if s.far {
			return true
		}
	}
	return false
}

// confirm returns a place such that a copy that has it holds everything that had been
// acknowledged when confirm was called. For semisync it proves that nobody else was
// primary then: a mark goes to the replicas and comes back from one of another
// region, which would not answer if it had been fenced. Async does not ask.
func (j *Journal) confirm(ctx context.Context) (Position, error) {
	j.mu.Lock()
	o := j.office
	if o == nil {
		j.mu.Unlock()
		return Position{}, api.Refuse(codes.Unavailable, j.self, "", "not the primary of "+name(j.class))
	}
	o.mark++
	mark := o.mark
	at := o.commit
	if j.class == api.Class_SEMISYNC {
		j.grown.tell()
	}
	j.mu.Unlock()
	err := j.await(ctx, o, func() bool {
		if at < o.opening {
			at = o.commit // the epoch had not begun: all older acknowledgements are before its first record
		}
		return at >= o.opening && (j.class != api.Class_SEMISYNC || o.confirmed(mark))
	})
	if err != nil {
		return Position{}, status.Error(codes.Unavailable, fmt.Sprintf("%s: read of %s not confirmed: %v", j.self, name(j.class), err))
	}
	return Position{o.epoch, at}, nil
}

func (o *office) confirmed(mark uint64) bool {
	for _, s := range o.ships {
		if s.far && s.mark >= mark {
			return true
		}
	}
	return false
}

// rest takes nothing new until everything is committed and a successor ("":
// any replica) has it all; then office may pass to it without loss. Unless it
// does within a moment, the office goes on.
func (j *Journal) rest(ctx context.Context, successor string) error {
	j.mu.Lock()
	o := j.office
	if o == nil {
		j.mu.Unlock()
		return status.Error(codes.FailedPrecondition, j.self+" is not the primary of "+name(j.class))
	}
	o.resting = true
	o.rests++
	rest := o.rests
	j.mu.Unlock()
	time.AfterFunc(restLimit, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if o.rests == rest { // else another one has begun, which has a limit of its own
			o.resting = false
		}
	})
	ctx, cancel := context.WithTimeout(ctx, restLimit/2)
	defer cancel()
	return j.await(ctx, o, func() bool {
		last := j.file.Last().Index
		if o.commit < last {
			return false
		}
		for peer, s := range o.ships {
			if s.index == last && (successor == "" || peer == successor) {
				return true
			}
		}
		return false
	})
}

// restLimit is how long an office may take nothing new for the sake of a successor.
const restLimit = 1200 * time.Millisecond
