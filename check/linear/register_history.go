package linear

import (
	"fmt"
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// checkRegister decides one register with read, write and compare-and-set.
// Where the system reported an order of its own, that order is tried first: if it
// fits the history it proves it, in n log n. Else Porcupine searches for one.
func checkRegister(key string, ops []*history.Op, b *budget) keyResult {
	var out keyResult
	r := newRegister(key, ops, &out)
	if r.fitsRevisionOrder() {
		return out
	}
	// An unanswered write whose value nobody saw can always be placed after
	// everything else, so if the rest is linearizable the whole is. The converse
	// needs care: the only operation that can tell such a write from none is a
	// compare-and-set that was not applied. During an outage there are dozens of such writes on a
	// key, each doubles the search, so the short search comes first.
	searched := r.linearOps(false)
	ok := r.search(searched, b)
	if all := r.linearOps(true); !ok && b.exhausted == "" && len(all) > len(searched) && r.hasMismatch {
		searched = all
		ok = r.search(all, b)
	}
	switch {
	case b.exhausted != "":
		out.undecided = b.exhausted
	case !ok:
		out.violation = []string{fmt.Sprintf("%s: no order of its %s fits", key, format.Count(len(searched), "operation"))}
		out.explain = func() []string { return r.counterexample(searched, b) }
	}
	return out
}

// forever is the return of an operation without an answer.
const forever = time.Duration(math.MaxInt64)

// register is the history of one register, values numbered; 0 is the empty
// value, which is never written.
type register struct {
	key         string
	ops         []*history.Op // that take part
	values      map[string]int32
	hasMismatch bool // some compare-and-set found another value
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
		if op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied {
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
