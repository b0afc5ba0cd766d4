package linear

import (
	"context"
	"sync/atomic"
	"time"
)

// budget bounds the time and memory of one search. What a search memoizes is of a known
// size, so its memory is computed and not measured, and that of all searches is the sum.
type budget struct {
	ctx      context.Context
	deadline time.Time
	held     *atomic.Int64 // bytes that all searches hold together
	limit    int64         // the most that held may be
	steps    int
	own      int64 // bytes of held that this search holds
	// exhausted says why the search was ended; it is empty while it may go on.
	exhausted string
}

// bytesPerState is the size of a state that Porcupine memoizes, without its bit set: a map
// entry, a slice, the state, and the step back to it. bytesPerFailure is the size of a
// memoized failure of registerSearch, without its key.
const (
	bytesPerState   = 160
	bytesPerFailure = 120
)

// step counts a step of the search and reports whether it may go on.
func (b *budget) step() bool {
	if b.exhausted != "" {
		return false
	}
	b.steps++
	if b.steps&0xff == 0 && (b.ctx.Err() != nil || time.Now().After(b.deadline)) {
		b.exhausted = "out of time"
		return false
	}
	return true
}

// remember counts bytes that the search is about to memoize, and reports whether it may.
func (b *budget) remember(cost int64) bool {
	b.own += cost
	if b.held.Add(cost) > b.limit {
		b.exhausted = "out of memory"
		return false
	}
	return true
}

// free returns the memory that the search held to the other searches.
func (b *budget) free() {
	b.held.Add(-b.own)
	b.own = 0
}
