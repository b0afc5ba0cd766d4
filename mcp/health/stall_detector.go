package health

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	tickInterval = 50 * time.Millisecond
	// stallThreshold is how late a tick may be. One that is later shows that this process
	// was not running.
	stallThreshold = 200 * time.Millisecond
)

// stallDetector notices when this process itself does not get to run. A node that is starved
// of CPU finds all others slow or silent, and must not suspect them for it.
type stallDetector struct {
	mu      sync.Mutex
	last    time.Time // the last tick
	stalled time.Time // when a tick last came late
}

func (d *stallDetector) run(ctx context.Context) {
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	d.tick(time.Now())
	for {
		select {
		case <-tick.C:
			d.tick(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (d *stallDetector) tick(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.last.IsZero() && now.Sub(d.last) > tickInterval+stallThreshold {
		d.stalled = now
	}
	d.last = now
}

// ranSince reports whether no tick was late between two instants, of which the second is
// now. Before the first tick it reports true.
func (d *stallDetector) ranSince(since, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	overdue := !d.last.IsZero() && now.Sub(d.last) > tickInterval+stallThreshold
	return !overdue && d.stalled.Before(since)
}

// excuses reports whether this process may itself be the cause of a failed probe: there
// was no answer in time, and the process stalled meanwhile. A refused connection, or an
// answer that the peer does not serve, is evidence however late it is read.
func (d *stallDetector) excuses(err error, since time.Time) bool {
	return status.Code(err) == codes.DeadlineExceeded && !d.ranSince(since, time.Now())
}
