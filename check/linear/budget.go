package linear

import (
	"context"
	"sync/atomic"
	"time"
)

// budget bounds one search. What a search remembers is of a known size, so its memory
// is known without measuring, and so is how much all searches hold together.
type budget struct {
	ctx   context.Context
	until time.Time
	held  *atomic.Int64 // bytes, by all searches
	limit int64         // of held
	steps int
	own   int64 // bytes of held that are this search's
	// exhausted says why the search was ended; it is empty while it may go on.
	exhausted string
}

// bytesPerState is what a state that Porcupine remembers costs beside its bits: a map's
// slot, a slice, the state, and the step back to it. bytesPerFailure is what a
// remembered failure of our own search costs beside its key.
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
	if b.steps&0xff == 0 && (b.ctx.Err() != nil || time.Now().After(b.until)) {
		b.exhausted = "out of time"
		return false
	}
	return true
}

// remember accounts for something more that a search keeps, and reports whether it may.
func (b *budget) remember(cost int64) bool {
	b.own += cost
	if b.held.Add(cost) > b.limit {
		b.exhausted = "out of memory"
		return false
	}
	return true
}

// free gives back what the search held.
func (b *budget) free() {
	b.held.Add(-b.own)
	b.own = 0
}
