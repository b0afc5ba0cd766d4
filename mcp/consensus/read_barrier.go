package consensus

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// gather is how long a read waits for others to share its mark with.
const gather = 2 * time.Millisecond

// marks are empty entries that reads wait for.
//
// Why not raft.VerifyLeader, which writes nothing? It counts any heartbeat
// reply that arrives after the question as a vote, even one that was sent
// before it. A leader that was paused and resumes finds such replies, and its
// clients' queued reads, in its socket buffers: it would believe itself
// confirmed and answer with what was true before its successor was elected.
// A mark that commits is proof that needs no clock and no such care.
type marks struct {
	mu   sync.Mutex
	next *mark // not yet proposed; nil when no read waits
}

type mark struct {
	done        chan struct{}
	index, term uint64
	err         error
}

// ReadIndex returns a log index such that a state that has applied it is fresh
// enough for any read that began before the call. Only a leader can tell.
func (n *Node) ReadIndex(ctx context.Context) (index, term uint64, err error) {
	if term, instead := n.defects.readIndex(); instead {
		return 0, term, nil
	}
	m, err := n.joinMark()
	if err != nil {
		return 0, 0, err
	}
	select {
	case <-m.done:
		return m.index, m.term, m.err
	case <-ctx.Done():
		return 0, 0, status.Errorf(codes.DeadlineExceeded, "%s: leadership not confirmed in time", n.cfg.Name)
	}
}

func (n *Node) joinMark() (*mark, error) {
	n.marks.mu.Lock()
	defer n.marks.mu.Unlock()
	if m := n.marks.next; m != nil {
		return m, nil
	}
	if n.ctx.Err() != nil {
		return nil, n.refuse("closing")
	}
	m := &mark{done: make(chan struct{})}
	n.marks.next = m
	n.work.Go(func() {
		select {
		case <-time.After(gather):
		case <-n.ctx.Done():
		}
		n.marks.mu.Lock()
		n.marks.next = nil // reads from now on need a mark proposed later
		n.marks.mu.Unlock()
		a, err := n.Propose(n.ctx, &api.Command{Do: &api.Command_ReadBarrier{ReadBarrier: &api.ReadBarrier{}}})
		if m.err = err; err == nil {
			m.index, m.term = a.Index, a.Term
		}
		close(m.done)
	})
	return m, nil
}
