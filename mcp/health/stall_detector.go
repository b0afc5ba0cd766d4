package health

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	beat = 50 * time.Millisecond
	late = 200 * time.Millisecond // more than this, and the node itself has stood still
)

// pulse tells whether this node itself gets to run. One that is starved of CPU
// finds everybody else slow or silent, and must not blame them.
type pulse struct {
	mu     sync.Mutex
	last   time.Time // beat
	missed time.Time // when a beat last came late
}

func (p *pulse) run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	p.beat(time.Now())
	for {
		select {
		case <-tick.C:
			p.beat(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() && now.Sub(p.last) > beat+late {
		p.missed = now
	}
	p.last = now
}

// steady says whether no beat has been missing between two instants, of which
// the second is now. Without a first beat it cannot tell, and says so that it was.
func (p *pulse) steady(since, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	overdue := !p.last.IsZero() && now.Sub(p.last) > beat+late
	return !overdue && p.missed.Before(since)
}

// excused says whether a probe's failure may be this node's own: nothing came
// in time, and it stood still meanwhile. That a connection was refused, or that
// the peer says that it does not serve, is evidence however late it is read.
func (p *pulse) excused(err error, since time.Time) bool {
	return status.Code(err) == codes.DeadlineExceeded && !p.steady(since, time.Now())
}
