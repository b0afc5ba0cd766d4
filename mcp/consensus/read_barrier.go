package consensus

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// barrierDelay is how long a read waits for other reads to share its barrier.
const barrierDelay = 2 * time.Millisecond

// readBarriers are empty entries that linearizable reads wait for.
//
// Why not raft.VerifyLeader, which writes nothing? It counts any heartbeat reply that
// arrives after the question as a vote, even one that was sent before it. A leader that
// was paused and resumes finds such replies, and its clients' queued reads, in its socket
// buffers. It would take itself for confirmed and answer with what was true before its
// successor was elected. A barrier that commits is a proof that needs neither a clock nor
// such care.
type readBarriers struct {
	mu   sync.Mutex
	next *readBarrier // not proposed yet; nil when no read waits
}

type readBarrier struct {
	done        chan struct{}
	index, term uint64
	err         error
}

// ReadIndex returns a log index such that a state that has applied it is fresh enough for
// any read that began before the call. Only a leader can answer.
func (n *Node) ReadIndex(ctx context.Context) (index, term uint64, err error) {
	if term, instead := n.defects.readIndex(); instead {
		return 0, term, nil
	}
	b, err := n.joinBarrier()
	if err != nil {
		return 0, 0, err
	}
	select {
	case <-b.done:
		return b.index, b.term, b.err
	case <-ctx.Done():
		return 0, 0, status.Errorf(codes.DeadlineExceeded, "%s: leadership not confirmed in time", n.cfg.Name)
	}
}

// joinBarrier returns the barrier that is about to be proposed, and makes one if there is none.
func (n *Node) joinBarrier() (*readBarrier, error) {
	n.barriers.mu.Lock()
	defer n.barriers.mu.Unlock()
	if b := n.barriers.next; b != nil {
		return b, nil
	}
	if n.ctx.Err() != nil {
		return nil, n.refuse("closing")
	}
	b := &readBarrier{done: make(chan struct{})}
	n.barriers.next = b
	n.work.Go(func() {
		select {
		case <-time.After(barrierDelay):
		case <-n.ctx.Done():
		}
		n.barriers.mu.Lock()
		n.barriers.next = nil // a read that begins now needs a barrier that is proposed later
		n.barriers.mu.Unlock()
		a, err := n.Propose(n.ctx, &api.Command{Do: &api.Command_ReadBarrier{ReadBarrier: &api.ReadBarrier{}}})
		if b.err = err; err == nil {
			b.index, b.term = a.Index, a.Term
		}
		close(b.done)
	})
	return b, nil
}
