package linear

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// FitsRevisionOrder reports whether the system's own order of the operations on
// one register, their Revision, is a linearization of them. If it is, that proves
// that they are linearizable; if not, nothing follows, for a revision may mean less
// than a place in the order. Every answered operation must have a revision. Unlike the search it
// takes n log n time.
func FitsRevisionOrder(ops []history.Op) bool {
	pointers := make([]*history.Op, len(ops))
	for i := range ops {
		pointers[i] = &ops[i]
	}
	return newRegister("", pointers, &keyResult{}).fitsRevisionOrder()
}

// fitsRevisionOrder tries the order of revisions, with unanswered writes put
// where an answer proves that there was one: just before the first answer that
// shows its value, or that reports a mismatch of a compare-and-set which would else
// have matched.
func (r *register) fitsRevisionOrder() bool {
	for _, op := range r.ops {
		if op.Outcome == history.OK && op.Revision == 0 {
			return false // most systems report none: find out before anything is built
		}
	}
	order := revisionOrder{latestCall: math.MinInt64}
	for _, o := range r.linearOps(true) {
		switch {
		case !o.answered:
			order.open = append(order.open, o)
		default:
			order.answered = append(order.answered, o)
		}
	}
	slices.SortStableFunc(order.answered, func(a, b *linearOp) int {
		if c := cmp.Compare(a.op.Revision, b.op.Revision); c != 0 {
			return c
		}
		if ar, br := a.readsOnly(), b.readsOnly(); ar != br {
			if br {
				return -1 // a read at a revision shows the write of that revision
			}
			return 1
		}
		return cmp.Compare(a.op.Call, b.op.Call)
	})
	shownByAny := map[int32]bool{}
	for _, o := range order.answered {
		shownByAny[o.shows()] = true
	}
	for i, o := range order.answered {
		switch shown := o.shows(); {
		case shown != 0 && shown != order.state:
			order.placeOpen(func(w *linearOp) bool { return w.value == shown })
		case o.mismatched() && o.expect == order.state:
			next := order.shownAfter(i)
			if !order.placeOpen(func(w *linearOp) bool { return w.value == next }) {
				order.placeOpen(func(w *linearOp) bool { return !shownByAny[w.value] })
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
	open       []*linearOp // unanswered and not placed, by call
	state      int32
	latestCall time.Duration // of what is placed
}

// place puts an operation next, and reports whether it fits there.
func (r *revisionOrder) place(o *linearOp) (ok bool) {
	r.latestCall = max(r.latestCall, o.op.Call)
	if r.latestCall > o.op.Return && o.answered {
		return false // it comes after one that was called later than it returned
	}
	ok, r.state = o.apply(r.state)
	return ok
}

// placeOpen puts the first unanswered write that is wanted and takes effect here.
// It has no return, so nothing but its call can be wrong with its place.
func (r *revisionOrder) placeOpen(wanted func(*linearOp) bool) bool {
	for i, w := range r.open {
		if wanted(w) && (w.kind == history.Write || w.expect == r.state) {
			r.open = slices.Delete(r.open, i, i+1)
			return r.place(w)
		}
	}
	return false
}

// shownAfter is the value that the first answer after a place shows, if
// nothing was written in between; 0 if that is not known.
func (r *revisionOrder) shownAfter(i int) int32 {
	for _, o := range r.answered[i+1:] {
		if shown := o.shows(); shown != 0 || !o.mismatched() {
			return shown
		}
	}
	return 0
}

// mismatched reports whether it is a compare-and-set that found another value.
func (o *linearOp) mismatched() bool { return o.kind == history.CAS && o.answered && !o.applied }

// shows is the value that an answer proves to have been there; 0 where it proves none.
func (o *linearOp) shows() int32 {
	switch {
	case o.kind == history.Read:
		return o.output
	case o.kind == history.CAS && o.applied:
		return o.expect
	default:
		return 0
	}
}

// readsOnly reports whether the operation leaves the register as it was.
func (o *linearOp) readsOnly() bool {
	return o.kind == history.Read || o.mismatched()
}
