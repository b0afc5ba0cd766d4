package linear

import (
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// checkRegister decides one register with read, write and compare-and-set. It tries three methods,
// the cheapest first:
//
//  1. The order that the system itself reported, if it did: a history that fits it is linearizable.
//  2. The zones of values that were written once. They refute most histories that
//     are not linearizable, and prove those without a compare-and-set in which no value was written twice.
//  3. A search for a linearization.
func checkRegister(key string, ops []*history.Op, b *budget) keyResult {
	var out keyResult
	r := newRegister(key, ops, &out)
	if r.fitsRevisionOrder() {
		return out
	}
	bad, proved := r.checkZones()
	switch {
	case proved:
		return out
	case bad != nil:
		out.violation = r.counterexample(bad, nil)
		return out
	}
	// Without mismatched compare-and-sets the search is short, however many writes are unanswered. If
	// it finds no linearization without them there is none with them, so this is
	// decided even if the budget would not suffice for the full search.
	if r.hasMismatch && r.hasUnanswered {
		short := *b
		if s := r.newRegisterSearch(true, &short); !s.run() && short.exhausted == "" {
			out.violation = r.counterexample(s.unlinearizable(), s.furthestValues)
			return out
		}
	}
	s := r.newRegisterSearch(false, b)
	switch ok := s.run(); {
	case b.exhausted != "":
		out.undecided = b.exhausted
	case !ok:
		out.violation = r.counterexample(s.unlinearizable(), s.furthestValues)
	}
	return out
}

// forever is the return of an operation without an answer.
const forever = time.Duration(math.MaxInt64)

// register is the history of one register. Values are numbered; 0 is the empty
// value, which is never written.
type register struct {
	key           string
	ops           []*history.Op // those that are checked
	values        map[string]int32
	hasMismatch   bool // some compare-and-set was mismatched
	hasUnanswered bool // some write has no answer
	// latestEffect has an entry for each unanswered write whose value was observed, by its index in
	// ops: the instant at which it must have taken effect at the latest, because an
	// operation that observed its value had returned. It is forever where that is not known.
	latestEffect map[int]time.Duration
}

func newRegister(key string, ops []*history.Op, out *keyResult) *register {
	r := &register{key: key, values: map[string]int32{"": 0}, latestEffect: map[int]time.Duration{}}
	writers := map[string][]int{} // by value: the indices of the operations that write it
	for op := range out.checkedOps(ops) {
		if op.Kind != history.Read {
			writers[op.Value] = append(writers[op.Value], len(r.ops))
		}
		if op.Outcome != history.OK {
			r.hasUnanswered = true
		} else if op.Kind == history.CAS && !op.Applied {
			r.hasMismatch = true
		}
		r.ops = append(r.ops, op)
		for _, value := range []string{op.Value, op.Expect, op.Output} {
			if _, known := r.values[value]; !known {
				r.values[value] = int32(len(r.values))
			}
		}
	}
	r.boundUnanswered(writers)
	return r
}

// boundUnanswered fills in latestEffect. It begins with what the answered operations observed. An
// unanswered compare-and-set whose value was observed must have been applied, so it observed the value that it expects.
func (r *register) boundUnanswered(writers map[string][]int) {
	type observation struct {
		value string
		by    time.Duration // when it was made, at the latest
	}
	var observations []observation
	for _, op := range r.ops {
		if op.Outcome != history.OK {
			continue
		}
		switch {
		case op.Kind == history.Read:
			observations = append(observations, observation{op.Output, op.Return})
		case op.Kind == history.CAS && op.Applied:
			observations = append(observations, observation{op.Expect, op.Return})
		}
	}
	for len(observations) > 0 {
		o := observations[len(observations)-1]
		observations = observations[:len(observations)-1]
		for _, i := range writers[o.value] {
			op := r.ops[i]
			if op.Outcome == history.OK {
				continue
			}
			by := o.by
			if len(writers[o.value]) > 1 {
				by = forever // any of several operations may have written the value
			}
			if earlier, known := r.latestEffect[i]; known && earlier <= by {
				continue
			}
			r.latestEffect[i] = by
			if op.Kind == history.CAS {
				observations = append(observations, observation{op.Expect, by})
			}
		}
	}
}

// linearOps lists the operations to be linearized, with or without the unanswered
// writes whose value was never observed.
func (r *register) linearOps(unobserved bool) []*linearOp {
	out := make([]*linearOp, 0, len(r.ops))
	all := make([]linearOp, len(r.ops))
	for i, op := range r.ops {
		o := &all[i]
		*o = linearOp{
			op: op, kind: op.Kind, value: r.values[op.Value], expect: r.values[op.Expect], output: r.values[op.Output],
			answered: op.Outcome == history.OK, applied: op.Applied, ret: op.Return,
		}
		if !o.answered {
			by, observed := r.latestEffect[i]
			if !observed && !unobserved {
				continue
			}
			o.ret = forever
			if observed {
				o.ret = max(by, op.Call)
			}
		}
		out = append(out, o)
	}
	return out
}
