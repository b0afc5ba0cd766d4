package linear

import (
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// checkRegister decides one register with read, write and compare-and-set. What is cheap
// goes first: the order that the system itself reported, where it did, proves
// the history if it fits; zones of values that were written once refute most that
// are wrong, and prove those in which every value was and nothing compares. The rest is searched.
func checkRegister(key string, ops []*history.Op, b *budget) keyResult {
	var out keyResult
	r := newRegister(key, ops, &out)
	if r.fitsRevisionOrder() {
		return out
	}
	culprit, proved := r.checkZones()
	switch {
	case proved:
		return out
	case culprit != nil:
		out.violation = r.counterexample(culprit, nil)
		return out
	}
	// Without refused compare-and-sets the search is short, whatever else is unknown; what
	// fails without them fails for certain, even if the budget is used up after it.
	if r.hasMismatch && r.hasUnanswered {
		first := *b
		if s := r.newRegisterSearch(true, &first); !s.run() && first.exhausted == "" {
			out.violation = r.counterexample(s.culprit(), s.values)
			return out
		}
	}
	s := r.newRegisterSearch(false, b)
	switch ok := s.run(); {
	case b.exhausted != "":
		out.undecided = b.exhausted
	case !ok:
		out.violation = r.counterexample(s.culprit(), s.values)
	}
	return out
}

// forever is the return of an operation without an answer.
const forever = time.Duration(math.MaxInt64)

// register is the history of one register, values numbered; 0 is the empty
// value, which is never written.
type register struct {
	key           string
	ops           []*history.Op // that take part
	values        map[string]int32
	hasMismatch   bool // some compare-and-set found another value
	hasUnanswered bool // some write has no answer
	// until bounds the effect of an unanswered write that was seen, by its
	// place in ops: it took effect before the reader that saw it had its answer.
	until map[int]time.Duration
}

func newRegister(key string, ops []*history.Op, out *keyResult) *register {
	r := &register{key: key, values: map[string]int32{"": 0}, until: map[int]time.Duration{}}
	writers := map[string][]int{} // of each value, by place
	for _, op := range ops {
		if op.Stale {
			out.stale++
		}
		if !takesPart(op) {
			continue
		}
		out.ops++
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

// boundUnanswered works out until when the unanswered writes must have taken effect, from the
// answered operations that saw their values to the compare-and-sets that these prove.
func (r *register) boundUnanswered(writers map[string][]int) {
	type sighting struct {
		value string
		by    time.Duration
	}
	var sightings []sighting
	for _, op := range r.ops {
		if op.Outcome != history.OK {
			continue
		}
		switch {
		case op.Kind == history.Read:
			sightings = append(sightings, sighting{op.Output, op.Return})
		case op.Kind == history.CAS && op.Applied:
			sightings = append(sightings, sighting{op.Expect, op.Return})
		}
	}
	for len(sightings) > 0 {
		s := sightings[len(sightings)-1]
		sightings = sightings[:len(sightings)-1]
		for _, i := range writers[s.value] {
			op := r.ops[i]
			if op.Outcome == history.OK {
				continue
			}
			by := s.by
			if len(writers[s.value]) > 1 {
				by = forever // one of several wrote it, and which one is not known
			}
			if old, known := r.until[i]; known && old <= by {
				continue
			}
			r.until[i] = by
			if op.Kind == history.CAS {
				sightings = append(sightings, sighting{op.Expect, by})
			}
		}
	}
}

// linearOps lists the operations to be ordered, with or without the unanswered
// writes that nobody saw.
func (r *register) linearOps(unseen bool) []*linearOp {
	out := make([]*linearOp, 0, len(r.ops))
	all := make([]linearOp, len(r.ops))
	for i, op := range r.ops {
		o := &all[i]
		*o = linearOp{
			op: op, kind: op.Kind, value: r.values[op.Value], expect: r.values[op.Expect], output: r.values[op.Output],
			answered: op.Outcome == history.OK, applied: op.Applied, ret: op.Return,
		}
		if !o.answered {
			by, seen := r.until[i]
			if !seen && !unseen {
				continue
			}
			o.ret = forever
			if seen {
				o.ret = max(by, op.Call)
			}
		}
		out = append(out, o)
	}
	return out
}
