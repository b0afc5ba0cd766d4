package check

import (
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/history"
)

// judgeRegister decides one register with read, write and compare-and-set.
// Where the system told an order of its own, that order is tried first: if it
// fits the history it proves it, in n log n. Else Porcupine searches one.
func judgeRegister(ops []history.Op, o object, b *budget) answer {
	var a answer
	r := newRegister(ops, o, &a)
	if r.ordered() {
		return a
	}
	// An unanswered write whose value nobody saw can always be placed after
	// everything else, so if the rest is linearizable the whole is. The converse
	// needs care: the only operation that can tell such a write from none is a
	// refused compare-and-set. During an outage there are dozens of them on a key, each doubles
	// the search, so the short search comes first.
	seen, all := r.steps(false), r.steps(true)
	ok := r.search(seen, b)
	if !ok && b.spent == "" && len(all) > len(seen) && r.refusals {
		seen = all
		ok = r.search(all, b)
	}
	switch {
	case b.spent != "":
		a.undecided = b.spent
	case !ok:
		a.violation = []string{fmt.Sprintf("%s: no order of its %s fits", o.key, count(len(seen), "operation"))}
		a.explain = func() []string { return r.evidence(seen, b) }
	}
	return a
}

// register is the history of one register, values numbered; 0 is never written.
type register struct {
	ops      []*history.Op
	values   map[string]int32
	refusals bool // some compare-and-set was refused
	// until bounds the effect of an unanswered write that was seen, by its
	// place in ops: it was there before whoever saw it had his answer.
	until map[int]time.Duration
}

func newRegister(ops []history.Op, o object, a *answer) *register {
	r := &register{values: map[string]int32{"": 0}, until: map[int]time.Duration{}}
	writers := map[string][]int{} // of each value, by place
	for _, i := range o.ops {
		op := &ops[i]
		if op.Stale {
			a.stale++
		}
		if !judged(op) {
			continue
		}
		a.ops++
		if op.Kind != history.Read {
			writers[op.Value] = append(writers[op.Value], len(r.ops))
		}
		if op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied {
			r.refusals = true
		}
		r.ops = append(r.ops, op)
		for _, value := range []string{op.Value, op.Expect, op.Output} {
			if _, known := r.values[value]; !known {
				r.values[value] = int32(len(r.values))
			}
		}
	}
	// Who saw what, from the answered to the unanswered that they prove.
	type sight struct {
		value string
		by    time.Duration
	}
	var sights []sight
	for _, op := range r.ops {
		if op.Outcome != history.OK {
			continue
		}
		switch {
		case op.Kind == history.Read:
			sights = append(sights, sight{op.Output, op.Return})
		case op.Kind == history.CAS && op.Applied:
			sights = append(sights, sight{op.Expect, op.Return})
		}
	}
	for len(sights) > 0 {
		s := sights[len(sights)-1]
		sights = sights[:len(sights)-1]
		for _, i := range writers[s.value] {
			op := r.ops[i]
			if op.Outcome == history.OK {
				continue
			}
			by := s.by
			if len(writers[s.value]) > 1 {
				by = forever // one of several wrote it, no telling which
			}
			if old, known := r.until[i]; known && old <= by {
				continue
			}
			r.until[i] = by
			if op.Kind == history.CAS {
				sights = append(sights, sight{op.Expect, by})
			}
		}
	}
	return r
}

// move is one operation as the search takes it.
type move struct {
	op            *history.Op
	kind          history.Kind
	value, expect int32
	output        int32
	answered      bool
	swapped       bool
	ret           time.Duration
}

// steps lists the moves, with or without the unanswered writes that nobody saw.
func (r *register) steps(unseen bool) []*move {
	out := make([]*move, 0, len(r.ops))
	all := make([]move, len(r.ops))
	for i, op := range r.ops {
		m := &all[i]
		*m = move{
			op: op, kind: op.Kind, value: r.values[op.Value], expect: r.values[op.Expect], output: r.values[op.Output],
			answered: op.Outcome == history.OK, swapped: op.Applied, ret: op.Return,
		}
		if !m.answered {
			by, seen := r.until[i]
			if !seen && !unseen {
				continue
			}
			m.ret = forever
			if seen {
				m.ret = max(by, op.Call)
			}
		}
		out = append(out, m)
	}
	return out
}

// apply is the sequential register: what state a move leads to, and whether
// the answer it got is the one it would get there.
func (m *move) apply(state int32) (ok bool, next int32) {
	switch m.kind {
	case history.Read:
		return m.output == state, state
	case history.CAS:
		fits := m.expect == state
		if m.answered && m.swapped != fits {
			return false, state
		}
		if fits {
			return true, m.value
		}
		return true, state
	default:
		return true, m.value
	}
}

// search says whether the moves can be put in an order. If the budget was
// spent the answer means nothing.
func (r *register) search(moves []*move, b *budget) bool {
	defer b.free()
	result := porcupine.CheckOperationsTimeout(r.model(len(moves), b), operations(moves), 0)
	return result == porcupine.Ok
}

func (r *register) model(n int, b *budget) porcupine.Model {
	// Boxed once: the search asks for states millions of times.
	states := make([]any, len(r.values))
	for i := range states {
		states[i] = int32(i)
	}
	return porcupine.Model{
		Init: func() any { return states[0] },
		// When the budget is spent no step fits any more, so the search runs out of moves and ends.
		Step: func(state, input, _ any) (bool, any) {
			if !b.step(n) {
				return false, state
			}
			ok, next := input.(*move).apply(state.(int32))
			if !ok || !b.remember(n) {
				return false, state
			}
			return true, states[next]
		},
		Equal: func(a, b any) bool { return a.(int32) == b.(int32) },
		Hash:  func(s any) uint64 { return uint64(uint32(s.(int32))) * 0x9e3779b97f4a7c15 },
	}
}

func operations(moves []*move) []porcupine.Operation {
	out := make([]porcupine.Operation, len(moves))
	for i, m := range moves {
		ret := int64(m.ret)
		if m.ret == forever {
			ret = math.MaxInt64
		}
		out[i] = porcupine.Operation{Input: m, Call: int64(m.op.Call), Return: max(ret, int64(m.op.Call))}
	}
	return out
}
