package check

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// ordered tries the system's own order of the answered operations, with
// unanswered writes put where an answer proves that there was one: just before
// the first answer that shows its value, or that refuses a compare-and-set
// which would else have fitted. It proves linearizability if the order respects real
// time and every answer fits it; if not, nothing is said, for a revision may
// mean less than a place in the order.
func (r *register) ordered() bool {
	p := placement{called: math.MinInt64}
	for _, m := range r.steps(true) {
		switch {
		case !m.answered:
			p.open = append(p.open, m)
		case m.op.Revision == 0:
			return false
		default:
			p.moves = append(p.moves, m)
		}
	}
	slices.SortStableFunc(p.moves, func(a, b *move) int {
		if c := cmp.Compare(a.op.Revision, b.op.Revision); c != 0 {
			return c
		}
		if ar, br := a.reads(), b.reads(); ar != br {
			if br {
				return -1 // a read at a revision shows the write of that revision
			}
			return 1
		}
		return cmp.Compare(a.op.Call, b.op.Call)
	})
	seen := map[int32]bool{} // values that some answer shows
	for _, m := range p.moves {
		seen[m.shows()] = true
	}
	for i, m := range p.moves {
		switch shown := m.shows(); {
		case shown != 0 && shown != p.state:
			p.put(func(w *move) bool { return w.value == shown })
		case m.refused() && m.expect == p.state:
			next := p.shownAfter(i)
			if !p.put(func(w *move) bool { return w.value == next }) {
				p.put(func(w *move) bool { return !seen[w.value] })
			}
		}
		if !p.take(m) {
			return false
		}
	}
	return true
}

// placement is an order of operations as far as it is made.
type placement struct {
	moves  []*move // answered, in the system's order
	open   []*move // unanswered and not placed, by call
	state  int32
	called time.Duration // the latest call of what is placed
}

// take places a move next, and says whether it fits there.
func (p *placement) take(m *move) (ok bool) {
	p.called = max(p.called, m.op.Call)
	if p.called > m.op.Return && m.answered {
		return false // it comes after one that was called later than it returned
	}
	ok, p.state = m.apply(p.state)
	return ok
}

// put places the first open write that will do and takes effect here. It has
// no end, so nothing but its call can be wrong with its place.
func (p *placement) put(will func(*move) bool) bool {
	for i, w := range p.open {
		if will(w) && (w.kind == history.Write || w.expect == p.state) {
			p.open = slices.Delete(p.open, i, i+1)
			return p.take(w)
		}
	}
	return false
}

// shownAfter is the value that the first answer after a place shows, if
// nothing was written in between; 0 if that is not known.
func (p *placement) shownAfter(i int) int32 {
	for _, m := range p.moves[i+1:] {
		if shown := m.shows(); shown != 0 || !m.refused() {
			return shown
		}
	}
	return 0
}

// refused says that a move is a compare-and-set that found another value.
func (m *move) refused() bool { return m.kind == history.CAS && m.answered && !m.swapped }

// shows is the value that an answer proves to have been there; 0 where it proves none.
func (m *move) shows() int32 {
	switch {
	case m.kind == history.Read:
		return m.output
	case m.kind == history.CAS && m.swapped:
		return m.expect
	default:
		return 0
	}
}

// reads says that a move leaves the register as it was.
func (m *move) reads() bool { return m.kind == history.Read || m.kind == history.CAS && !m.swapped }
