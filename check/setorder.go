package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// judgeSet decides a set that only grows, exactly and without a search, in
// time linear in what the reads returned. Such a history is linearizable if and only if
//
//  1. every value read was added by a call that began before the read ended;
//  2. no read misses a value whose add had ended before the read began;
//  3. of any two reads one holds all that the other does;
//  4. a read that ended before another began holds no more than it; and
//  5. no read holds a value and misses one whose add had ended before the
//     first one's began.
//
// Each is plainly necessary. Together they suffice: order the reads by size,
// then by call; place each at the latest of its call, the calls of the adds it
// shows and the place of the read before it; by 1, 3 and 4 that is not past
// its return. Place each add just before the first read that shows it; by 2
// and 5 that is within its own interval.
func judgeSet(ops []history.Op, o object) answer {
	var a answer
	s := newGrowth(ops, o, &a)
	if a.violation == nil {
		a.violation = s.violation()
	}
	return a
}

// growth is the history of one set, values numbered.
type growth struct {
	key   string
	adds  []addition
	reads []reading
	stamp int
}

// addition is the interval in which a value was added: from the first attempt's
// call to the first acknowledgement, forever if there was none.
type addition struct {
	value     string
	call, ret time.Duration
	seen      int
}

type reading struct {
	op     *history.Op
	values []int32
}

func newGrowth(ops []history.Op, o object, a *answer) *growth {
	s := &growth{key: o.key}
	ids := map[string]int32{}
	for _, i := range o.ops {
		op := &ops[i]
		if op.Stale {
			a.stale++
		}
		if !judged(op) {
			continue
		}
		a.ops++
		if op.Kind != history.Add {
			s.reads = append(s.reads, reading{op: op})
			continue
		}
		ret := op.Return
		if op.Outcome != history.OK {
			ret = forever
		}
		if id, known := ids[op.Value]; known {
			e := &s.adds[id]
			e.call, e.ret = min(e.call, op.Call), min(e.ret, ret)
			continue
		}
		ids[op.Value] = int32(len(s.adds))
		s.adds = append(s.adds, addition{value: op.Value, call: op.Call, ret: ret})
	}
	for i := range s.reads {
		r := &s.reads[i]
		s.stamp++
		for _, value := range r.op.Set {
			id, known := ids[value]
			if !known {
				a.violation = []string{describe(r.op), fmt.Sprintf("%s: it holds %q, which no add that can have had effect wrote", s.key, value)}
				return s
			}
			if s.adds[id].seen != s.stamp { // twice in one read is rpo's to tell
				s.adds[id].seen = s.stamp
				r.values = append(r.values, id)
			}
		}
	}
	slices.SortFunc(s.reads, func(a, b reading) int {
		if len(a.values) != len(b.values) {
			return len(a.values) - len(b.values)
		}
		return cmp.Compare(a.op.Call, b.op.Call)
	})
	return s
}

// violation returns the evidence against the first rule that is broken.
func (s *growth) violation() []string {
	var latest *reading // of the smaller ones, the one that was called last
	for i := range s.reads {
		r := &s.reads[i]
		s.stamp++
		var last, first *addition // added last of those shown, acknowledged first of those missed
		for _, id := range r.values {
			e := &s.adds[id]
			e.seen = s.stamp
			if last == nil || e.call > last.call {
				last = e
			}
		}
		for id := range s.adds {
			if e := &s.adds[id]; e.seen != s.stamp && (first == nil || e.ret < first.ret) {
				first = e
			}
		}
		switch {
		case last != nil && last.call > r.op.Return:
			return []string{describe(r.op), fmt.Sprintf("%s: it holds %q, whose add was called later, at %.3f s", s.key, last.value, last.call.Seconds())}
		case first != nil && first.ret < r.op.Call:
			return []string{describe(r.op), fmt.Sprintf("%s: it misses %q, acknowledged before, at %.3f s", s.key, first.value, first.ret.Seconds())}
		case last != nil && first != nil && first.ret < last.call:
			return []string{describe(r.op), fmt.Sprintf("%s: it holds %q, called at %.3f s, and misses %q, acknowledged before that, at %.3f s",
				s.key, last.value, last.call.Seconds(), first.value, first.ret.Seconds())}
		}
		if i > 0 {
			before := &s.reads[i-1]
			for _, id := range before.values {
				if e := &s.adds[id]; e.seen != s.stamp {
					return []string{describe(before.op), describe(r.op), fmt.Sprintf("%s: the first holds %q, the second does not, yet has something that the first misses", s.key, e.value)}
				}
			}
		}
		if latest != nil && len(latest.values) < len(r.values) && r.op.Return < latest.op.Call {
			return []string{describe(r.op), describe(latest.op), s.key + ": the earlier holds more than the later"}
		}
		// A read of the same size comes after in the order only by its call, so
		// it is enough to remember the latest of the smaller ones at each step of size.
		if latest == nil || r.op.Call > latest.op.Call {
			latest = r
		}
	}
	return nil
}
