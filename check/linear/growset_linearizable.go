package linear

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// checkSet decides a set that only grows, exactly and without a search, in
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
func checkSet(key string, ops []*history.Op) keyResult {
	var out keyResult
	s := newGrowSet(key, ops, &out)
	if out.violation == nil {
		out.violation = s.violation()
	}
	return out
}

// growSet is the history of one set, values numbered.
type growSet struct {
	key   string
	adds  []growSetAdd
	reads []growSetRead
	stamp int // of the read that is being looked at
}

// growSetAdd is the interval in which a value was added: from the first attempt's
// call to the first acknowledgement, forever if there was none.
type growSetAdd struct {
	value     string
	call, ret time.Duration
	seen      int // stamp of the read that was last found to hold it
}

type growSetRead struct {
	op     *history.Op
	values []int32
}

func newGrowSet(key string, ops []*history.Op, out *keyResult) *growSet {
	s := &growSet{key: key}
	ids := map[string]int32{}
	for _, op := range ops {
		if op.Stale {
			out.stale++
		}
		if !takesPart(op) {
			continue
		}
		out.ops++
		if op.Kind != history.Add {
			s.reads = append(s.reads, growSetRead{op: op})
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
		s.adds = append(s.adds, growSetAdd{value: op.Value, call: op.Call, ret: ret})
	}
	for i := range s.reads {
		r := &s.reads[i]
		s.stamp++
		for _, value := range r.op.Set {
			id, known := ids[value]
			if !known {
				out.violation = []string{format.Operation(r.op), fmt.Sprintf("%s: it holds %q, which no add that can have had effect wrote", s.key, value)}
				return s
			}
			if s.adds[id].seen != s.stamp { // one that is there twice is a finding of its own, "duplicates"
				s.adds[id].seen = s.stamp
				r.values = append(r.values, id)
			}
		}
	}
	slices.SortFunc(s.reads, func(a, b growSetRead) int {
		if len(a.values) != len(b.values) {
			return len(a.values) - len(b.values)
		}
		return cmp.Compare(a.op.Call, b.op.Call)
	})
	return s
}

// violation returns the evidence against the first rule that is broken.
func (s *growSet) violation() []string {
	var latest *growSetRead // of the smaller ones, the one that was called last
	for i := range s.reads {
		r := &s.reads[i]
		s.stamp++
		var last, first *growSetAdd // added last of those shown, acknowledged first of those missed
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
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it holds %q, whose add was called later, at %.3f s", s.key, last.value, last.call.Seconds())}
		case first != nil && first.ret < r.op.Call:
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it misses %q, acknowledged before, at %.3f s", s.key, first.value, first.ret.Seconds())}
		case last != nil && first != nil && first.ret < last.call:
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it holds %q, called at %.3f s, and misses %q, acknowledged before that, at %.3f s",
				s.key, last.value, last.call.Seconds(), first.value, first.ret.Seconds())}
		}
		if i > 0 {
			before := &s.reads[i-1]
			for _, id := range before.values {
				if e := &s.adds[id]; e.seen != s.stamp {
					return []string{format.Operation(before.op), format.Operation(r.op), fmt.Sprintf("%s: the first holds %q, the second does not, yet has an element that the first misses", s.key, e.value)}
				}
			}
		}
		if latest != nil && len(latest.values) < len(r.values) && r.op.Return < latest.op.Call {
			return []string{format.Operation(r.op), format.Operation(latest.op), s.key + ": the earlier holds more than the later"}
		}
		// A read of the same size comes after in the order only by its call, so
		// it is enough to remember the latest of the smaller ones at each step of size.
		if latest == nil || r.op.Call > latest.op.Call {
			latest = r
		}
	}
	return nil
}
