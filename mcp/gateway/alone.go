package gateway

import (
	"sync"
	"time"
)

const (
	// hopeless is for how long no leader is known before calls are refused at once: an
	// election is over sooner, so this node is cut off, and waiting helps nobody.
	hopeless = 2 * time.Second
	// unseen is how long ago the last look may be: what lies between is not known.
	unseen = time.Second
)

// alone measures for how long this node has known no leader, as calls find it.
type alone struct {
	mu          sync.Mutex
	since, seen time.Time
}

// look notes whether a leader is known now and says how long a call that finds
// none may be kept.
func (a *alone) look(leader string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if leader != "" {
		a.since = time.Time{}
		return patience
	}
	if a.since.IsZero() || now.Sub(a.seen) > unseen {
		a.since = now
	}
	if a.seen = now; now.Sub(a.since) >= hopeless {
		return 0
	}
	return patience
}
