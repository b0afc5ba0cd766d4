package linear

import (
	"slices"

	"github.com/mcp-resilience/holdfast/history"
)

// registerSearch looks for an order of the operations on one register. It
// goes through the calls and returns in the order of their instants, and lets an operation take
// effect only when the return that comes next demands it: the returning
// operation must have taken effect, and others may before it. Where nothing fits it
// goes back to the last choice. What it remembers of a failure is small: the return,
// the value, which of the operations under way have taken effect, and how many of
// the unanswered writes have been used. It decides as Porcupine does, and is compared with
// it in the tests. Porcupine takes an unanswered write for an operation that must be placed
// somewhere, and tries dozens of them in every order. Five facts keep this search small:
//
//   - A read whose value is there, and a refused compare-and-set that finds another
//     value, take effect at once. They change nothing, and nothing needs them to wait.
//   - Of answered writes under way that do the same, the first to return goes first:
//     exchanging two of them in any order gives another that fits.
//   - Values that no read shows and no compare-and-set expects are one value.
//   - Unanswered writes that do the same are one class of which the search knows only
//     how many were called and how many it has used. Which one is used makes no
//     difference; and a failure with some used is a failure with more of them used.
//   - An unanswered write is used only where the value that it leaves is needed: by a
//     read or compare-and-set under way; or to explain a refused compare-and-set that
//     returns now and would have been applied. Anywhere else it can be moved later, past the
//     operation that follows it: that is a write, which hides it, or a refused compare-and-set,
//     which would be refused without it, or can wait for its own return. In the end
//     it stands after everything else, where nobody can tell it from a write that never
//     took effect. So all that nobody saw cost nothing, however many an outage left.
type registerSearch struct {
	budget *budget
	ops    []*linearOp // answered
	kinds  []int32     // of each of ops: writes that do the same have the same
	slots  []int32     // of each of ops, while it is under way
	spares []spareWrite
	events []searchEvent
	other  int32 // the value that stands for all that nobody asks for
	words  int   // of a mask
	failed map[string][][]uint16

	// Scratch space of single steps.
	key     []byte
	steps   []searchStep
	firstOf []int32 // of each kind that is in seen, the place in steps of the first to return
	seen    []int   // of each kind, the step of the search at which firstOf was set

	next     int     // event
	underWay []int32 // by slot, the operation, or -1
	called   []int32 // of each class of spares
	at       searchState
	choices  []searchChoice

	// furthest is the last return that any order comes to, and values what the
	// register may have held then.
	furthest int
	values   []int32
}

type searchChoice struct {
	event int
	state searchState
	steps []searchStep
	next  int
}

// run reports whether there is an order. The answer means nothing once the
// budget is exhausted. If there is none, culprit and values say what cannot be explained.
func (s *registerSearch) run() bool {
	defer s.budget.free()
	for {
		if s.advance() {
			return true
		}
		if !s.budget.step() {
			return false
		}
		s.recordReached()
		steps := s.fittingSteps()
		if len(steps) == 1 {
			s.take(steps[0])
			continue
		}
		if len(steps) > 0 && !s.hasFailed() {
			s.choices = append(s.choices, searchChoice{s.next, s.at.clone(), slices.Clone(steps), 0})
		}
		if !s.resume() {
			return false
		}
	}
}

// advance goes to the next return whose operation has not taken effect, and
// reports whether there is none.
func (s *registerSearch) advance() (finished bool) {
	for s.next < len(s.events) {
		e := s.events[s.next]
		switch e.kind {
		case callEvent:
			s.underWay[s.slots[e.of]] = e.of
		case spareEvent:
			s.called[e.of]++
		case returnEvent:
			s.observe()
			slot := s.slots[e.of]
			if !s.at.isDone(slot) {
				return false
			}
			s.at.clear(slot)
			s.underWay[slot] = -1
		}
		s.next++
	}
	return true
}

// rewind goes back to an event.
func (s *registerSearch) rewind(event int) {
	for s.next > event {
		s.next--
		e := s.events[s.next]
		switch e.kind {
		case callEvent:
			s.underWay[s.slots[e.of]] = -1
		case spareEvent:
			s.called[e.of]--
		case returnEvent:
			s.underWay[s.slots[e.of]] = e.of
		}
	}
}

// observe lets everything take effect that only looks and fits, and reports whether the value
// was of use: a read found it, or the compare-and-set that returns next was refused for it.
func (s *registerSearch) observe() (useful bool) {
	for slot, i := range s.underWay {
		if i < 0 || s.at.isDone(int32(slot)) || !s.ops[i].readsOnly() {
			continue
		}
		if ok, _ := s.ops[i].apply(s.at.value); ok {
			s.at.set(int32(slot))
			useful = useful || s.ops[i].kind == history.Read || i == s.events[s.next].of
		}
	}
	return useful
}

func (s *registerSearch) take(step searchStep) {
	if step.spare {
		s.at.value = s.spares[step.index].value
		s.at.used[step.index]++
	} else {
		_, s.at.value = s.ops[s.underWay[step.index]].apply(s.at.value)
		s.at.set(step.index)
	}
	useful := s.observe()
	s.at.owed = step.spare && !useful
}

// resume takes the next step of the last choice that has one left, and reports
// whether there was one.
func (s *registerSearch) resume() bool {
	for len(s.choices) > 0 {
		c := &s.choices[len(s.choices)-1]
		s.rewind(c.event)
		s.at.copyFrom(&c.state)
		if c.next < len(c.steps) {
			c.next++
			s.take(c.steps[c.next-1])
			return true
		}
		if !s.rememberFailure() {
			return false
		}
		s.choices = s.choices[:len(s.choices)-1]
	}
	return false
}

func (s *registerSearch) recordReached() {
	if s.next > s.furthest {
		s.furthest, s.values = s.next, s.values[:0]
	}
	if s.next == s.furthest && !slices.Contains(s.values, s.at.value) && len(s.values) < maxValues {
		s.values = append(s.values, s.at.value)
	}
}

// maxValues bounds what is remembered to explain a violation.
const maxValues = 16

// culprit is the operation that cannot be explained: with all that had returned before it there is an
// order, with it there is none. It is nil where the search did not end.
func (s *registerSearch) culprit() *linearOp {
	if s.furthest < 0 {
		return nil
	}
	return s.ops[s.events[s.furthest].of]
}
