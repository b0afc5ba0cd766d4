package consensus

import (
	"context"
	"sync/atomic"
	"time"
)

// standbyLease keeps a leader from proposing, and from acknowledging what it has
// committed, while a node outside its quorum may have replaced it, see mcp/standby. It
// is an instant and not a flag: a process that was paused and resumes finds the instant
// past, even if nothing in it had time to run.
type standbyLease struct {
	required bool // set before the node starts
	until    atomic.Pointer[time.Time]
}

// ExtendLease sets the instant until which it is known that no standby has taken over.
// It matters only with Config.NeedsLease. The latest call counts, even one with an
// earlier instant.
func (n *Node) ExtendLease(t time.Time) { n.lease.until.Store(&t) }

// expired reports whether the node must not acknowledge anything now.
func (l *standbyLease) expired() bool {
	if !l.required {
		return false
	}
	until := l.until.Load()
	return until == nil || !time.Now().Before(*until)
}

// await waits until the lease is valid, and returns ctx's error if ctx ends first.
func (l *standbyLease) await(ctx context.Context) error {
	for l.expired() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
