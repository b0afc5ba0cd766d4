package gateway

import (
	"sync"
	"time"
)

const (
	// leaderlessTimeout is how long no leader may be known before calls are refused at
	// once. An election takes less, so the node is cut off and waiting is of no use.
	leaderlessTimeout = 2 * time.Second
	// maxCheckGap is the longest time between two calls of waitTimeout. After a longer
	// one it is unknown whether there was a leader meanwhile, and the timer starts again.
	maxCheckGap = time.Second
)

// leaderlessTimer measures how long this node has known no leader. It is read by the
// calls themselves.
type leaderlessTimer struct {
	mu               sync.Mutex
	since, checkedAt time.Time
}

// waitTimeout returns how long a call may wait for a leader, given the one known now
// ("" if none is).
func (a *leaderlessTimer) waitTimeout(leader string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leader != "" {
		a.since = time.Time{}
		return routeTimeout
	}
	if a.since.IsZero() || now.Sub(a.checkedAt) > maxCheckGap {
		a.since = now
	}
	if a.checkedAt = now; now.Sub(a.since) >= leaderlessTimeout {
		return 0
	}
	return routeTimeout
}
