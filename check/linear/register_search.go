package linear

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

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

// searchState is what an order of operations up to some event comes to.
type searchState struct {
	value int32
	done  []uint64 // slots whose operation has taken effect
	used  []uint16 // of each class of spares
	// owed says that a spare was used whose value nothing has found yet: a compare-and-set must be next.
	owed bool
}

// spareWrite is a class of unanswered writes that do the same.
type spareWrite struct {
	cas           bool
	expect, value int32
}

func (w spareWrite) fits(value int32) bool { return !w.cas || w.expect == value }

type searchEvent struct {
	at   time.Duration
	kind eventKind
	of   int32 // index of the operation, or of the class of spares
}

type eventKind uint8

// The kinds of event. At one instant calls come before returns: what touches overlaps.
const (
	callEvent eventKind = iota
	spareEvent
	returnEvent
)

// searchStep is the slot of an operation, or a class of spares.
type searchStep struct {
	spare bool
	index int32
	rank  int32 // the smallest is tried first
}

type searchChoice struct {
	event int
	state searchState
	steps []searchStep
	next  int
}

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

// place is what a failure is remembered by, but for the spares.
func (s *registerSearch) place() []byte {
	s.key = binary.AppendUvarint(s.key[:0], uint64(s.next))
	s.key = binary.AppendUvarint(s.key, uint64(s.at.value))
	if s.at.owed {
		s.key = append(s.key, 1)
	}
	for _, word := range s.at.done {
		s.key = binary.LittleEndian.AppendUint64(s.key, word)
	}
	return s.key
}

func (s *registerSearch) rememberFailure() bool {
	key := s.place()
	s.failed[string(key)] = append(s.failed[string(key)], slices.Clone(s.at.used))
	return s.budget.remember(int64(len(key) + 2*len(s.at.used) + bytesPerFailure))
}

// hasFailed reports whether the search has failed from here, or with more spares left.
func (s *registerSearch) hasFailed() bool {
	for _, used := range s.failed[string(s.place())] {
		worse := true
		for class, n := range used {
			worse = worse && s.at.used[class] >= n
		}
		if worse {
			return true
		}
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

func (a *searchState) isDone(slot int32) bool { return a.done[slot/64]&(1<<(slot%64)) != 0 }
func (a *searchState) set(slot int32)         { a.done[slot/64] |= 1 << (slot % 64) }
func (a *searchState) clear(slot int32)       { a.done[slot/64] &^= 1 << (slot % 64) }

func (a *searchState) clone() searchState {
	return searchState{a.value, slices.Clone(a.done), slices.Clone(a.used), a.owed}
}

func (a *searchState) copyFrom(b *searchState) {
	a.value, a.owed = b.value, b.owed
	copy(a.done, b.done)
	copy(a.used, b.used)
}
