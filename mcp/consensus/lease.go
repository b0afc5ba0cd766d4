package consensus

import (
	"context"
	"sync/atomic"
	"time"
)

// fence keeps a leader from proposing, and from acknowledging what it has
// committed, while it may have been replaced by a node outside its own quorum,
// see mcp/standby. It is an instant, not a flag: a process that was paused and
// resumes finds it past, with nobody having had the time to raise anything.
type fence struct {
	raised bool // set before the node begins
	until  atomic.Pointer[time.Time]
}

// ExtendLease says up to when it is known that no standby has taken over. It
// means something only under Config.Fenced; the latest call counts.
func (n *Node) ExtendLease(t time.Time) { n.fence.until.Store(&t) }

// up says whether the node may acknowledge nothing now.
func (f *fence) up() bool {
	if !f.raised {
		return false
	}
	until := f.until.Load()
	return until == nil || !time.Now().Before(*until)
}

// down waits until the fence is down; ctx's error when it ends first.
func (f *fence) down(ctx context.Context) error {
	for f.up() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
