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
// Each rule is clearly necessary. Together they suffice. Order the reads by size,
// then by call. Linearize each read at the latest of: its call, the calls of the adds that it
// holds, and the point of the read before it. By 1, 3 and 4 that is not after its return.
// Linearize each add just before the first read that holds it. By 2 and 5 that is
// within the add's own interval.
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
	stamp int // number of the read that is being processed
}

// growSetAdd is the interval in which a value was added: from the call of the first attempt to
// the first acknowledgement, or forever if there was none.
type growSetAdd struct {
	value     string
	call, ret time.Duration
	heldBy    int // stamp of the last processed read that holds the value
}

type growSetRead struct {
	op     *history.Op
	values []int32
}

func newGrowSet(key string, ops []*history.Op, out *keyResult) *growSet {
	s := &growSet{key: key}
	ids := map[string]int32{}
	for op := range out.checkedOps(ops) {
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
			if s.adds[id].heldBy != s.stamp { // duplicates within a read are judged by another check
				s.adds[id].heldBy = s.stamp
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

// violation returns the counterexample to the first rule that is broken, or nil.
func (s *growSet) violation() []string {
	var latestCalled *growSetRead // of the reads before this one
	for i := range s.reads {
		r := &s.reads[i]
		s.stamp++
		var lastHeld, firstMissed *growSetAdd // of the values that it holds, the one called last; of those that it misses, the one acknowledged first
		for _, id := range r.values {
			e := &s.adds[id]
			e.heldBy = s.stamp
			if lastHeld == nil || e.call > lastHeld.call {
				lastHeld = e
			}
		}
		for id := range s.adds {
			if e := &s.adds[id]; e.heldBy != s.stamp && (firstMissed == nil || e.ret < firstMissed.ret) {
				firstMissed = e
			}
		}
		switch {
		case lastHeld != nil && lastHeld.call > r.op.Return:
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it holds %q, whose add was called later, at %.3f s", s.key, lastHeld.value, lastHeld.call.Seconds())}
		case firstMissed != nil && firstMissed.ret < r.op.Call:
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it misses %q, acknowledged before, at %.3f s", s.key, firstMissed.value, firstMissed.ret.Seconds())}
		case lastHeld != nil && firstMissed != nil && firstMissed.ret < lastHeld.call:
			return []string{format.Operation(r.op), fmt.Sprintf("%s: it holds %q, called at %.3f s, and misses %q, acknowledged before that, at %.3f s",
				s.key, lastHeld.value, lastHeld.call.Seconds(), firstMissed.value, firstMissed.ret.Seconds())}
		}
		if i > 0 {
			before := &s.reads[i-1]
			for _, id := range before.values {
				if e := &s.adds[id]; e.heldBy != s.stamp {
					return []string{format.Operation(before.op), format.Operation(r.op), fmt.Sprintf("%s: the first holds %q, the second does not, yet has an element that the first misses", s.key, e.value)}
				}
			}
		}
		if latestCalled != nil && len(latestCalled.values) < len(r.values) && r.op.Return < latestCalled.op.Call {
			return []string{format.Operation(r.op), format.Operation(latestCalled.op), s.key + ": the earlier holds more than the later"}
		}
		// One read is enough to remember. If it is of the same size as the next one, the next was called
		// after it, and so after every smaller read: it cannot have returned before one was called.
		if latestCalled == nil || r.op.Call > latestCalled.op.Call {
			latestCalled = r
		}
	}
	return nil
}
