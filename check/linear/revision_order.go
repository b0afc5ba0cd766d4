package linear

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// FitsRevisionOrder reports whether the order of the Revisions that the system reported for the
// operations on one register is a linearization of them. If it is, they are linearizable. If not,
// nothing follows, because a system's revision need not be the place of
// an operation in its linearization. Every answered operation must have a revision. This
// takes n log n time, unlike a search.
func FitsRevisionOrder(ops []history.Op) bool {
	pointers := make([]*history.Op, len(ops))
	for i := range ops {
		pointers[i] = &ops[i]
	}
	return newRegister("", pointers, &keyResult{}).fitsRevisionOrder()
}

// fitsRevisionOrder tries the order of revisions. An unanswered write has no revision; it is placed
// where an answer proves that there was one: just before the first operation that
// shows its value, or before a mismatched compare-and-set that expects the value which the
// register would hold without it.
func (r *register) fitsRevisionOrder() bool {
	for _, op := range r.ops {
		if op.Outcome == history.OK && op.Revision == 0 {
			return false // most systems report none, so this is checked before any work is done
		}
	}
	order := revisionOrder{latestCall: math.MinInt64}
	for _, o := range r.linearOps(true) {
		switch {
		case !o.answered:
			order.unanswered = append(order.unanswered, o)
		default:
			order.answered = append(order.answered, o)
		}
	}
	slices.SortStableFunc(order.answered, func(a, b *linearOp) int {
		if c := cmp.Compare(a.op.Revision, b.op.Revision); c != 0 {
			return c
		}
		if ar, br := a.changesNothing(), b.changesNothing(); ar != br {
			if br {
				return -1 // a read at a revision returns the value written at that revision
			}
			return 1
		}
		return cmp.Compare(a.op.Call, b.op.Call)
	})
	shownByAny := map[int32]bool{}
	for _, o := range order.answered {
		shownByAny[o.shownValue()] = true
	}
	for i, o := range order.answered {
		switch shown := o.shownValue(); {
		case shown != 0 && shown != order.state:
			order.placeUnanswered(func(w *linearOp) bool { return w.value == shown })
		case o.mismatched() && o.expect == order.state:
			next := order.nextShown(i)
			if !order.placeUnanswered(func(w *linearOp) bool { return w.value == next }) {
				order.placeUnanswered(func(w *linearOp) bool { return !shownByAny[w.value] })
			}
		}
		if !order.place(o) {
			return false
		}
	}
	return true
}

// revisionOrder is the linearization built so far.
type revisionOrder struct {
	answered   []*linearOp // in the order of their revisions
	unanswered []*linearOp // those that have not been placed, by call
	state      int32
	latestCall time.Duration // of the operations placed so far
}

// place appends an operation to the linearization, and reports whether it fits there.
func (r *revisionOrder) place(o *linearOp) (ok bool) {
	r.latestCall = max(r.latestCall, o.op.Call)
	if r.latestCall > o.op.Return && o.answered {
		return false // it returned before an operation that precedes it was called
	}
	ok, r.state = o.apply(r.state)
	return ok
}

// placeUnanswered places the first unanswered write that is wanted and that applies to the present
// value, and reports whether there was one that fits. It has no return, so only its call can contradict its place.
func (r *revisionOrder) placeUnanswered(wanted func(*linearOp) bool) bool {
	for i, w := range r.unanswered {
		if wanted(w) && (w.kind == history.Write || w.expect == r.state) {
			r.unanswered = slices.Delete(r.unanswered, i, i+1)
			return r.place(w)
		}
	}
	return false
}

// nextShown is the value that the answers after index i show first; 0 if a write comes
// before that, or if there is none.
func (r *revisionOrder) nextShown(i int) int32 {
	for _, o := range r.answered[i+1:] {
		if shown := o.shownValue(); shown != 0 || !o.mismatched() {
			return shown
		}
	}
	return 0
}
