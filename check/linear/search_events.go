package linear

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// searchEvent is the call or the return of an operation.
type searchEvent struct {
	at   time.Duration
	kind eventKind
	of   int32 // index of the answered operation, or of the class of the unanswered write
}

// eventKind is what happens at an event.
type eventKind uint8

// The kinds of event. At the same instant calls come before returns, because operations that touch
// are concurrent.
const (
	callEvent       eventKind = iota
	unansweredEvent           // the call of an unanswered write
	returnEvent
)

// newRegisterSearch prepares a search. If withoutMismatches is set, it leaves out the mismatched
// compare-and-sets: they change nothing, so a history that has no linearization
// without them has none with them either.
func (r *register) newRegisterSearch(withoutMismatches bool, b *budget) *registerSearch {
	s := &registerSearch{budget: b, failures: map[string][][]uint16{}, unobserved: int32(len(r.values)), furthest: -1}
	all := r.linearOps(true)
	all = slices.DeleteFunc(all, func(o *linearOp) bool { return withoutMismatches && o.mismatched() })
	observed := make([]bool, len(r.values)) // by value: some operation returned or expects it
	hasMismatch := false
	for _, o := range all {
		switch o.kind {
		case history.Read:
			observed[o.output] = true
		case history.CAS:
			observed[o.expect] = true
			hasMismatch = hasMismatch || o.mismatched()
		}
	}
	canonical := func(value int32) int32 {
		if observed[value] {
			return value
		}
		return s.unobserved
	}
	classes, effects := map[unansweredClass]int32{}, map[unansweredClass]int32{}
	for _, o := range all {
		effect := unansweredClass{o.kind == history.CAS, o.expect, canonical(o.value)}
		if !effect.cas {
			effect.expect = 0
		}
		if !o.answered {
			if effect.value == s.unobserved && !hasMismatch {
				continue // no operation can need it
			}
			class, known := classes[effect]
			if !known {
				class = int32(len(s.classes))
				classes[effect] = class
				s.classes = append(s.classes, effect)
			}
			s.events = append(s.events, searchEvent{o.op.Call, unansweredEvent, class})
			continue
		}
		number := int32(-1)
		if !o.changesNothing() {
			known := false
			if number, known = effects[effect]; !known {
				number = int32(len(effects))
				effects[effect] = number
			}
		}
		i := int32(len(s.ops))
		o.value = effect.value
		s.ops, s.effects = append(s.ops, o), append(s.effects, number)
		s.events = append(s.events, searchEvent{o.op.Call, callEvent, i}, searchEvent{max(o.op.Return, o.op.Call), returnEvent, i})
	}
	slices.SortFunc(s.events, func(a, b searchEvent) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		if c := cmp.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return cmp.Compare(a.of, b.of)
	})
	s.assignSlots()
	s.earliest, s.earliestSetAt = make([]int32, len(effects)), make([]int, len(effects))
	s.called = make([]int32, len(s.classes))
	s.state = searchState{linearized: make([]uint64, s.maskWords), used: make([]uint16, len(s.classes))}
	if len(observed) > 0 && !observed[0] {
		s.state.value = s.unobserved
	}
	return s
}

// assignSlots gives each operation a slot that no other uses while it is in flight.
func (s *registerSearch) assignSlots() {
	s.slots = make([]int32, len(s.ops))
	var free []int32
	count := int32(0)
	for _, e := range s.events {
		switch e.kind {
		case callEvent:
			if len(free) == 0 {
				free = append(free, count)
				count++
			}
			s.slots[e.of] = free[len(free)-1]
			free = free[:len(free)-1]
		case returnEvent:
			free = append(free, s.slots[e.of])
		}
	}
	s.maskWords = int(count+63) / 64
	s.inFlight = make([]int32, count)
	for i := range s.inFlight {
		s.inFlight[i] = -1
	}
}
