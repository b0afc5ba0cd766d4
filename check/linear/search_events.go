package linear

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// searchEvent is a call or return, at its instant.
type searchEvent struct {
	at   time.Duration
	kind eventKind
	of   int32 // index of the operation, or of the class of spares
}

// eventKind is what happens at an event.
type eventKind uint8

// The kinds of event. At one instant calls come before returns: what touches overlaps.
const (
	callEvent eventKind = iota
	spareEvent
	returnEvent
)

// newRegisterSearch prepares a search. The operations are those of the register; relaxed
// leaves out the refused compare-and-sets. They change nothing, so what cannot be
// ordered without them cannot be ordered with them either.
func (r *register) newRegisterSearch(relaxed bool, b *budget) *registerSearch {
	s := &registerSearch{budget: b, failed: map[string][][]uint16{}, other: int32(len(r.values)), furthest: -1}
	asked := make([]bool, len(r.values))
	all := r.linearOps(true)
	all = slices.DeleteFunc(all, func(o *linearOp) bool { return relaxed && o.mismatched() })
	refused := false
	for _, o := range all {
		switch o.kind {
		case history.Read:
			asked[o.output] = true
		case history.CAS:
			asked[o.expect] = true
			refused = refused || o.mismatched()
		}
	}
	canonical := func(value int32) int32 {
		if asked[value] {
			return value
		}
		return s.other
	}
	classes, kinds := map[spareWrite]int32{}, map[spareWrite]int32{}
	for _, o := range all {
		effect := spareWrite{o.kind == history.CAS, o.expect, canonical(o.value)}
		if !effect.cas {
			effect.expect = 0
		}
		if !o.answered {
			if effect.value == s.other && !refused {
				continue // nothing could need it
			}
			class, known := classes[effect]
			if !known {
				class = int32(len(s.spares))
				classes[effect] = class
				s.spares = append(s.spares, effect)
			}
			s.events = append(s.events, searchEvent{o.op.Call, spareEvent, class})
			continue
		}
		kind := int32(-1)
		if !o.readsOnly() {
			known := false
			if kind, known = kinds[effect]; !known {
				kind = int32(len(kinds))
				kinds[effect] = kind
			}
		}
		i := int32(len(s.ops))
		o.value = effect.value
		s.ops, s.kinds = append(s.ops, o), append(s.kinds, kind)
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
	s.firstOf, s.seen = make([]int32, len(kinds)), make([]int, len(kinds))
	s.called = make([]int32, len(s.spares))
	s.at = searchState{done: make([]uint64, s.words), used: make([]uint16, len(s.spares))}
	if len(asked) > 0 && !asked[0] {
		s.at.value = s.other
	}
	return s
}

// assignSlots gives each operation the lowest slot that is free while it is under way.
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
	s.words = int(count+63) / 64
	s.underWay = make([]int32, count)
	for i := range s.underWay {
		s.underWay[i] = -1
	}
}
