package linear

import (
	"slices"

	"github.com/mcp-resilience/holdfast/history"
)

// registerSearch looks for a linearization of the operations on one register: a depth-first
// search with backtracking and memoization, as that of Wing and Gong with Lowe's improvements, which
// Porcupine implements. It decides as Porcupine does, and the tests compare the two.
//
// It differs in its handling of unanswered writes. Porcupine takes each for an operation that must
// be linearized somewhere, and tries dozens of them in every order. This search visits calls
// and returns in the order of time, and linearizes operations only at a return: the returning operation must
// have been linearized by then, and others may be linearized before it. Where no
// operation fits it backtracks. What it memoizes of a failure is small: the return, the value of
// the register, which in-flight operations have been linearized, and how many
// unanswered writes have been used. Five facts keep it small:
//
//   - A read that returns the present value, and a mismatched compare-and-set that expects another
//     one, can be linearized at once: they change nothing, so nothing is gained by waiting.
//   - Of in-flight answered writes with the same effect, the first to return is linearized first:
//     exchanging two of them in a linearization gives another linearization.
//   - All values that no read returned and no compare-and-set expects are represented by one value.
//   - Unanswered writes with the same effect form a class. The search counts how many of a class
//     were called and how many it has used, because it makes no difference which
//     one it uses; and if it fails with some used, it also fails with more of them used.
//   - An unanswered write is linearized only where the value that it writes is needed: by a
//     read or a compare-and-set in flight, or by a mismatched compare-and-set that returns now and
//     expects the present value. At any other point it can be moved past the next operation:
//     either that is a write, which overwrites its value, or it is a mismatched compare-and-set,
//     which is mismatched without it too or can wait for its own return. Moved on in this way it
//     ends up after all other operations, as if it had never taken effect. So unanswered
//     writes that nobody observed cost nothing, however many an outage left.
type registerSearch struct {
	budget  *budget
	ops     []*linearOp       // the answered ones
	effects []int32           // by operation: writes with the same effect have the same number; -1 if it changes nothing
	slots   []int32           // by operation: its bit in a mask while it is in flight
	classes []unansweredClass // of the unanswered writes
	events  []searchEvent
	// unobserved is the value that represents all those that no operation returned or expects.
	unobserved int32
	maskWords  int // length of a mask of slots
	failures   map[string][][]uint16

	// Scratch space, to allocate nothing at each step.
	key           []byte
	steps         []searchStep
	earliest      []int32 // by effect: the index in steps of the write that returns first
	earliestSetAt []int   // by effect: the budget's step at which earliest was set

	next     int     // index of the next event
	inFlight []int32 // by slot: the operation, or -1
	called   []int32 // by class: how many of its writes have been called
	state    searchState
	branches []branch

	// furthest is the last return that any order reaches, and furthestValues are the values
	// that the register may have held then.
	furthest       int
	furthestValues []int32
}

// branch is a point with several candidates, to backtrack to.
type branch struct {
	event int
	state searchState
	steps []searchStep
	tried int // how many of steps
}

// run reports whether there is a linearization. The answer means nothing once the budget is
// exhausted. If there is none, unlinearizable and furthestValues say where the search got stuck.
func (s *registerSearch) run() bool {
	defer s.budget.free()
	for {
		if s.advance() {
			return true
		}
		if !s.budget.step() {
			return false
		}
		s.recordFurthest()
		steps := s.candidates()
		if len(steps) == 1 {
			s.linearize(steps[0])
			continue
		}
		if len(steps) > 0 && !s.knownToFail() {
			s.branches = append(s.branches, branch{s.next, s.state.clone(), slices.Clone(steps), 0})
		}
		if !s.backtrack() {
			return false
		}
	}
}

// advance moves to the next return of an operation that has not been linearized. It reports
// true if there is none, which means that every operation has been.
func (s *registerSearch) advance() (finished bool) {
	for s.next < len(s.events) {
		e := s.events[s.next]
		switch e.kind {
		case callEvent:
			s.inFlight[s.slots[e.of]] = e.of
		case unansweredEvent:
			s.called[e.of]++
		case returnEvent:
			s.linearizeReads()
			slot := s.slots[e.of]
			if !s.state.isLinearized(slot) {
				return false
			}
			s.state.clear(slot)
			s.inFlight[slot] = -1
		}
		s.next++
	}
	return true
}

// rewind undoes advance back to an event.
func (s *registerSearch) rewind(event int) {
	for s.next > event {
		s.next--
		e := s.events[s.next]
		switch e.kind {
		case callEvent:
			s.inFlight[s.slots[e.of]] = -1
		case unansweredEvent:
			s.called[e.of]--
		case returnEvent:
			s.inFlight[s.slots[e.of]] = e.of
		}
	}
}

// linearizeReads linearizes every in-flight operation that changes nothing and whose answer fits the
// present value. It reports whether the value was needed: by a read, or by a mismatched
// compare-and-set that returns next.
func (s *registerSearch) linearizeReads() (needed bool) {
	for slot, i := range s.inFlight {
		if i < 0 || s.state.isLinearized(int32(slot)) || !s.ops[i].changesNothing() {
			continue
		}
		if ok, _ := s.ops[i].apply(s.state.value); ok {
			s.state.setLinearized(int32(slot))
			needed = needed || s.ops[i].kind == history.Read || i == s.events[s.next].of
		}
	}
	return needed
}

// linearize carries out a step, and then the reads that fit after it.
func (s *registerSearch) linearize(step searchStep) {
	if step.unanswered {
		s.state.value = s.classes[step.index].value
		s.state.used[step.index]++
	} else {
		_, s.state.value = s.ops[s.inFlight[step.index]].apply(s.state.value)
		s.state.setLinearized(step.index)
	}
	needed := s.linearizeReads()
	s.state.needsCAS = step.unanswered && !needed
}

// backtrack returns to the last branch with an untried step and takes that step. It reports false if there
// is none, or if the budget is exhausted.
func (s *registerSearch) backtrack() bool {
	for len(s.branches) > 0 {
		b := &s.branches[len(s.branches)-1]
		s.rewind(b.event)
		s.state.copyFrom(&b.state)
		if b.tried < len(b.steps) {
			b.tried++
			s.linearize(b.steps[b.tried-1])
			return true
		}
		if !s.rememberFailure() {
			return false
		}
		s.branches = s.branches[:len(s.branches)-1]
	}
	return false
}

// recordFurthest keeps how far the search got, for the counterexample.
func (s *registerSearch) recordFurthest() {
	if s.next > s.furthest {
		s.furthest, s.furthestValues = s.next, s.furthestValues[:0]
	}
	if s.next == s.furthest && !slices.Contains(s.furthestValues, s.state.value) && len(s.furthestValues) < maxFurthestValues {
		s.furthestValues = append(s.furthestValues, s.state.value)
	}
}

// maxFurthestValues bounds how many values are kept to explain a violation.
const maxFurthestValues = 16

// unlinearizable is the operation at which every order fails: the operations that returned before it have
// a linearization, and with it there is none. It is nil where the search did not end.
func (s *registerSearch) unlinearizable() *linearOp {
	if s.furthest < 0 {
		return nil
	}
	return s.ops[s.events[s.furthest].of]
}
