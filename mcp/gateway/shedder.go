package gateway

import (
	"sync"
	"time"
)

const (
	// codelTarget is how long a call may wait for the CPU before it is handled: a tenth
	// of the latency that users accept. In a queue that is empty now and then, at least
	// one call of each interval waits less.
	codelTarget = 100 * time.Millisecond
	// codelInterval is how long every call must have waited longer than codelTarget
	// before the node counts as overloaded: longer than the bursts of a load that it can
	// serve.
	codelInterval = 500 * time.Millisecond
	// throttledShare is the share of two successive intervals for which the node was
	// ready to run but not scheduled, as under a small CPU quota, from which on it counts
	// as overloaded. It no longer does below unthrottledShare.
	throttledShare   = 0.7
	unthrottledShare = throttledShare / 2
	// maxMemoryShare is the share of its memory limit that a node may use.
	maxMemoryShare = 0.9
)

// Shedder decides whether a node is overloaded. It works as CoDel does for packets
// (Nichols and Jacobson 2012): what counts is the shortest wait of an interval, not
// the longest. After a burst the queue drains, and some call waits hardly at all. In
// a standing queue, which grows as long as calls are accepted, every call waits. The
// waits are those of a probe, so the end of the overload is noticed although no calls
// are accepted. A node under a small CPU quota needs a second criterion: it runs in
// bursts, in which some calls are quick, and is throttled between them. The zero value
// is ready for use.
type Shedder struct {
	mu                 sync.Mutex
	minDelay           time.Duration // the shortest wait of the present interval
	sampled            bool          // whether the present interval has any
	intervalStart      time.Time     // of the present interval
	queuedSince        time.Time     // since when there is a standing queue; zero while there is none
	throttled          time.Duration // how long the node was throttled in the present interval
	lastThrottledShare float64       // of the previous interval
	throttledSince     time.Time     // since when the node is throttled most of the time; zero while it is not
	shortOfMemory      bool
}

// ObserveDelay records a wait that ended now.
func (s *Shedder) ObserveDelay(now time.Time, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeInterval(now)
	if !s.sampled || wait < s.minDelay {
		s.minDelay, s.sampled = wait, true
	}
	if wait < codelTarget {
		s.queuedSince = time.Time{} // one was quick, so there is no standing queue
	}
}

// closeInterval evaluates the present interval if it has ended, and begins the next.
func (s *Shedder) closeInterval(now time.Time) {
	if s.intervalStart.IsZero() {
		s.intervalStart = now
		return
	}
	if now.Sub(s.intervalStart) < codelInterval {
		return
	}
	if s.sampled && s.minDelay >= codelTarget && s.queuedSince.IsZero() {
		s.queuedSince = now
	}
	share := s.throttled.Seconds() / now.Sub(s.intervalStart).Seconds()
	switch {
	case share < unthrottledShare:
		s.throttledSince = time.Time{}
	case min(share, s.lastThrottledShare) >= throttledShare && s.throttledSince.IsZero():
		s.throttledSince = now
	}
	s.intervalStart, s.sampled, s.throttled, s.lastThrottledShare = now, false, 0, share
}

// ObserveThrottled records a time for which the node was ready to run but not
// scheduled, and which ended now.
func (s *Shedder) ObserveThrottled(now time.Time, length time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeInterval(now)
	s.throttled += length
}

// ObserveMemory records how much memory is in use, in bytes. A limit of 0 means none.
func (s *Shedder) ObserveMemory(used, limit uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shortOfMemory = limit > 0 && float64(used) > maxMemoryShare*float64(limit)
}

// StarvedFor returns how long the node has been short of CPU, or 0 if it is not.
func (s *Shedder) StarvedFor(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var longest time.Duration
	for _, since := range []time.Time{s.queuedSince, s.throttledSince} {
		if !since.IsZero() {
			longest = max(longest, now.Sub(since), 1)
		}
	}
	return longest
}

// Exhausted returns the resource that the node is short of, or "".
func (s *Shedder) Exhausted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.throttledSince.IsZero():
		return "CPU: it is throttled most of the time"
	case !s.queuedSince.IsZero():
		return "CPU: every call waits longer than " + codelTarget.String() + " before it is handled"
	case s.shortOfMemory:
		return "memory"
	}
	return ""
}
