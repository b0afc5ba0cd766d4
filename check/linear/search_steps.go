package linear

import (
	"cmp"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
)

// searchStep is an operation that may be linearized next.
type searchStep struct {
	unanswered bool
	index      int32 // the slot of an answered operation, or the class of an unanswered write
	rank       int32 // lower ranks are tried first
}

// The ranks of steps.
const (
	rankReturning       int32 = iota // the operation that returns next
	rankShown                        // an answered write of the value that the returning operation returns or expects
	rankShownUnanswered              // an unanswered one
	rankAnswered                     // any other answered operation
	rankUnanswered                   // any other unanswered write
)

// unansweredClass is a class of unanswered writes with the same effect.
type unansweredClass struct {
	cas           bool
	expect, value int32
}

func (c unansweredClass) applies(value int32) bool { return !c.cas || c.expect == value }

// candidates lists the operations that may be linearized before the next return, the most promising first.
func (s *registerSearch) candidates() []searchStep {
	returning := s.events[s.next].of
	shown := s.ops[returning].shownValue()
	showsValue := s.ops[returning].kind == history.Read || s.ops[returning].kind == history.CAS && s.ops[returning].applied
	steps := s.steps[:0]
	for slot, i := range s.inFlight {
		if i < 0 || s.effects[i] < 0 || s.state.isLinearized(int32(slot)) {
			continue
		}
		if ok, _ := s.ops[i].apply(s.state.value); !ok || s.state.needsCAS && s.ops[i].kind != history.CAS {
			continue
		}
		step := searchStep{index: int32(slot), rank: rankAnswered}
		switch {
		case i == returning:
			step.rank = rankReturning
		case showsValue && s.ops[i].value == shown:
			step.rank = rankShown
		}
		effect := s.effects[i]
		if s.earliestSetAt[effect] != s.budget.steps {
			s.earliestSetAt[effect], s.earliest[effect] = s.budget.steps, int32(len(steps))
			steps = append(steps, step)
		} else if other := &steps[s.earliest[effect]]; s.returnsBefore(i, s.inFlight[other.index]) {
			*other = step
		}
	}
	if len(s.classes) > 0 {
		steps = s.appendUnanswered(steps, s.ops[returning], showsValue)
	}
	s.steps = steps
	slices.SortStableFunc(steps, func(a, b searchStep) int {
		if c := cmp.Compare(a.rank, b.rank); c != 0 || a.unanswered || b.unanswered {
			return c
		}
		if s.returnsBefore(s.inFlight[a.index], s.inFlight[b.index]) {
			return -1
		}
		return 1
	})
	return steps
}

// appendUnanswered adds the unanswered writes whose value is needed now.
func (s *registerSearch) appendUnanswered(steps []searchStep, returning *linearOp, showsValue bool) []searchStep {
	var needed []int32
	need := func(value int32) bool {
		if value == s.state.value || slices.Contains(needed, value) {
			return false
		}
		needed = append(needed, value)
		return true
	}
	for slot, i := range s.inFlight {
		if i < 0 || s.state.isLinearized(int32(slot)) {
			continue
		}
		switch o := s.ops[i]; {
		case o.kind == history.Read:
			need(o.output)
		case o.kind == history.CAS && o.applied:
			need(o.expect)
		}
	}
	for more := true; more; { // a needed unanswered compare-and-set needs the value that it expects
		more = false
		for class, c := range s.classes {
			if c.cas && s.available(class) && slices.Contains(needed, c.value) && need(c.expect) {
				more = true
			}
		}
	}
	// A mismatched compare-and-set that has not been linearized expects the present value, so any
	// other value would do.
	anyValue := returning.mismatched() && !s.state.needsCAS
	for class, c := range s.classes {
		if c.value == s.state.value || !c.applies(s.state.value) || !s.available(class) || s.state.needsCAS && !c.cas {
			continue
		}
		if anyValue || slices.Contains(needed, c.value) {
			rank := rankUnanswered
			if showsValue && c.value == returning.shownValue() {
				rank = rankShownUnanswered
			}
			steps = append(steps, searchStep{unanswered: true, index: int32(class), rank: rank})
		}
	}
	return steps
}

// available reports whether a write of the class has been called and not been linearized.
func (s *registerSearch) available(class int) bool {
	return s.called[class] > int32(s.state.used[class])
}

func (s *registerSearch) returnsBefore(i, j int32) bool {
	if s.ops[i].op.Return != s.ops[j].op.Return {
		return s.ops[i].op.Return < s.ops[j].op.Return
	}
	return i < j
}
