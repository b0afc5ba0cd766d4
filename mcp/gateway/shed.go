package gateway

import (
	"sync"
	"time"
)

const (
	// target is how long a call may wait for the processor before anything is done
	// for it: a tenth of what users take for served. A queue that is empty now and
	// then never keeps every call that long.
	target = 100 * time.Millisecond
	// interval is how long all of them must have waited longer before the node
	// calls itself starved: longer than the bursts of any load that it can serve.
	interval = 500 * time.Millisecond
	// stopped is the share of its time for which the node is not let run though it
	// wants to, in each of two intervals, by which it calls itself starved, as one
	// under a small quota is; running, half of it or less, by which no longer.
	stopped = 0.7
	running = stopped / 2
	// memoryShare is how much of the memory that it may have the node uses before
	// it is short of it.
	memoryShare = 0.9
)

// Shedder decides whether a node has the means to take calls on. It works as
// CoDel does for packets: what counts is not how long the longest wait was but the
// shortest one of the last interval. After a burst the queue drains, and some call
// waits hardly at all; a standing queue, which grows as long as calls are taken on,
// lets none through quickly. What waits is measured by a canary, so that the end
// of starvation is seen when no calls are let in. A node under a small quota is a
// case of its own: it runs in bursts, in which some calls are quick, and is stopped between
// them. Its zero value is ready.
type Shedder struct {
	mu       sync.Mutex
	shortest time.Duration // wait of the present interval
	seen     bool          // whether there was any
	began    time.Time     // the present interval
	queued   time.Time     // since when there is a standing queue; zero while there is none
	lost     time.Duration // of the present interval, to being stopped
	was      float64       // the share lost of the interval before
	halted   time.Time     // since when the node is stopped most of the time; zero while it is not
	memory   bool          // short of it
}

// Waited notes a wait that ended now.
func (s *Shedder) Waited(now time.Time, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if !s.seen || wait < s.shortest {
		s.shortest, s.seen = wait, true
	}
	if wait < target {
		s.queued = time.Time{} // somebody got through quickly: the queue is gone
	}
}

// turn closes an interval that is over.
func (s *Shedder) turn(now time.Time) {
	if s.began.IsZero() {
		s.began = now
		return
	}
	if now.Sub(s.began) < interval {
		return
	}
	if s.seen && s.shortest >= target && s.queued.IsZero() {
		s.queued = now
	}
	share := s.lost.Seconds() / now.Sub(s.began).Seconds()
	switch {
	case share < running:
		s.halted = time.Time{}
	case min(share, s.was) >= stopped && s.halted.IsZero():
		s.halted = now
	}
	s.began, s.seen, s.lost, s.was = now, false, 0, share
}

// Stopped notes that the node wanted to run and was not let, for a time that ended now.
func (s *Shedder) Stopped(now time.Time, length time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	s.lost += length
}

// Remembers notes how much memory is in use, and how much may be; a limit of 0 is none.
func (s *Shedder) Remembers(used, limit uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = limit > 0 && float64(used) > memoryShare*float64(limit)
}

// Starved says for how long the node has been short of CPU; 0 when it is not.
func (s *Shedder) Starved(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var longest time.Duration
	for _, since := range []time.Time{s.queued, s.halted} {
		if !since.IsZero() {
			longest = max(longest, now.Sub(since), 1)
		}
	}
	return longest
}

// Exhausted says what the node is short of, "" when of nothing.
func (s *Shedder) Exhausted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.halted.IsZero():
		return "CPU: it is stopped for most of the time"
	case !s.queued.IsZero():
		return "CPU: every call waits longer than " + target.String() + " for its turn"
	case s.memory:
		return "memory"
	}
	return ""
}
