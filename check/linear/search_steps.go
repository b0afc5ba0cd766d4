package linear

import (
	"cmp"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
)

// searchStep is the slot of an operation, or a class of spares.
type searchStep struct {
	spare bool
	index int32
	rank  int32 // the smallest is tried first
}

// spareWrite is a class of unanswered writes that do the same.
type spareWrite struct {
	cas           bool
	expect, value int32
}

func (w spareWrite) fits(value int32) bool { return !w.cas || w.expect == value }

// fittingSteps lists what may take effect before the next return, the most promising first.
func (s *registerSearch) fittingSteps() []searchStep {
	due := s.events[s.next].of
	wanted := s.ops[due].shows()
	wantsValue := s.ops[due].kind == history.Read || s.ops[due].kind == history.CAS && s.ops[due].applied
	steps := s.steps[:0]
	for slot, i := range s.underWay {
		if i < 0 || s.kinds[i] < 0 || s.at.isDone(int32(slot)) {
			continue
		}
		if ok, _ := s.ops[i].apply(s.at.value); !ok || s.at.owed && s.ops[i].kind != history.CAS {
			continue
		}
		step := searchStep{index: int32(slot), rank: 3}
		switch {
		case i == due:
			step.rank = 0
		case wantsValue && s.ops[i].value == wanted:
			step.rank = 1
		}
		kind := s.kinds[i]
		if s.seen[kind] != s.budget.steps {
			s.seen[kind], s.firstOf[kind] = s.budget.steps, int32(len(steps))
			steps = append(steps, step)
		} else if first := &steps[s.firstOf[kind]]; s.returnsBefore(i, s.underWay[first.index]) {
			*first = step
		}
	}
	if len(s.spares) > 0 {
		steps = s.appendSpares(steps, s.ops[due], wantsValue)
	}
	s.steps = steps
	slices.SortStableFunc(steps, func(a, b searchStep) int {
		if c := cmp.Compare(a.rank, b.rank); c != 0 || a.spare || b.spare {
			return c
		}
		if s.returnsBefore(s.underWay[a.index], s.underWay[b.index]) {
			return -1
		}
		return 1
	})
	return steps
}

// appendSpares adds the unanswered writes that something needs now.
func (s *registerSearch) appendSpares(steps []searchStep, due *linearOp, wantsValue bool) []searchStep {
	var needed []int32
	need := func(value int32) bool {
		if value == s.at.value || slices.Contains(needed, value) {
			return false
		}
		needed = append(needed, value)
		return true
	}
	for slot, i := range s.underWay {
		if i < 0 || s.at.isDone(int32(slot)) {
			continue
		}
		switch o := s.ops[i]; {
		case o.kind == history.Read:
			need(o.output)
		case o.kind == history.CAS && o.applied:
			need(o.expect)
		}
	}
	for more := true; more; { // an unanswered compare-and-set needs what it expects
		more = false
		for class, w := range s.spares {
			if w.cas && s.isSpare(class) && slices.Contains(needed, w.value) && need(w.expect) {
				more = true
			}
		}
	}
	refusal := due.mismatched() && !s.at.owed // and it would be applied, or it had taken effect
	for class, w := range s.spares {
		if w.value == s.at.value || !w.fits(s.at.value) || !s.isSpare(class) || s.at.owed && !w.cas {
			continue
		}
		if refusal || slices.Contains(needed, w.value) {
			rank := int32(4)
			if wantsValue && w.value == due.shows() {
				rank = 2
			}
			steps = append(steps, searchStep{spare: true, index: int32(class), rank: rank})
		}
	}
	return steps
}

func (s *registerSearch) isSpare(class int) bool { return s.called[class] > int32(s.at.used[class]) }

func (s *registerSearch) returnsBefore(i, j int32) bool {
	if s.ops[i].op.Return != s.ops[j].op.Return {
		return s.ops[i].op.Return < s.ops[j].op.Return
	}
	return i < j
}
