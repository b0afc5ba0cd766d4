package check

import (
	"context"
	"sync/atomic"
	"time"
)

// budget bounds one search. The search keeps a bit for each operation of the
// key in each state that it remembers, so its memory is known without
// measuring, and so is how much all searches hold together.
type budget struct {
	ctx   context.Context
	until time.Time
	held  *atomic.Int64 // by all searches
	most  int64
	steps int
	mine  int64
	// spent says why the search was ended; empty while it may go on.
	spent string
}

// perState is what a remembered state costs beside its bits: a map's slot, a slice, the
// state, and the step back to it.
const perState = 160

// step counts a step of a search over n operations and says whether it may go on.
func (b *budget) step(n int) bool {
	if b.spent != "" {
		return false
	}
	b.steps++
	if b.steps&0xff == 0 && (b.ctx.Err() != nil || time.Now().After(b.until)) {
		b.spent = "out of time"
		return false
	}
	return true
}

// remember accounts for one more state of a search over n operations.
func (b *budget) remember(n int) bool {
	cost := int64(perState + n/8)
	b.mine += cost
	if b.held.Add(cost) > b.most {
		b.spent = "out of memory"
		return false
	}
	return true
}

// free gives back what the search held.
func (b *budget) free() {
	b.held.Add(-b.mine)
	b.mine = 0
}
