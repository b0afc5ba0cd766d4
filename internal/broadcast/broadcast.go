// Package broadcast wakes all goroutines that wait for a change. It does what
// sync.Cond does, but with a channel, so that a waiter can wait for its context or a
// timer as well. It carries no value: a waiter looks at the state itself.
package broadcast

import "sync"

// Signal wakes everyone who waits for the next broadcast. The zero value is ready for
// use. It is safe for concurrent use, and must not be copied.
type Signal struct {
	mu   sync.Mutex
	next chan struct{} // nil while nobody waits
}

// Next returns a channel that is closed by the next broadcast. Call it before looking at
// the state that the broadcasts announce, or while holding the lock under which that
// state changes: a change between the look and Next would be missed.
func (s *Signal) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

// Broadcast closes the channels that Next has returned so far.
func (s *Signal) Broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}
