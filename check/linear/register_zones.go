package linear

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// A zone belongs to a value that only one operation can have written, and to the cluster of
// operations that wrote or observed it. The register held such a value during one interval. Some
// operation of the cluster took effect by firstReturn, the earliest of their returns, and some
// not before lastCall, the latest of their calls. If firstReturn is before lastCall, the
// register held the value at least between the two (a forward zone). Otherwise it held it at some instant
// between lastCall and firstReturn (a backward zone). So no history is linearizable in which two
// forward zones overlap, or a backward zone lies within a forward one.
//
// If every value was written once and there is no compare-and-set, the converse holds too: Gibbons and
// Korach, Testing Shared Memories, 1997. The check takes n log n time, whatever the concurrency.
type zone struct {
	firstReturn, lastCall time.Duration
	calledLast            *linearOp // the operation whose call is lastCall
}

// beforeAll is earlier than any operation: the return of the write of the initial value.
const beforeAll = time.Duration(math.MinInt64)

// checkZones returns an operation that contradicts the zones, or reports that they prove the
// history linearizable. If it does neither, the zones decide nothing.
func (r *register) checkZones() (bad *linearOp, proved bool) {
	type writer struct {
		op    *linearOp
		count int
	}
	ops := r.linearOps(true)
	writers := make([]writer, len(r.values))
	writers[0].count = 1 // the initial value
	zones := make([]zone, len(r.values))
	for i := range zones {
		zones[i] = zone{firstReturn: forever, lastCall: beforeAll}
	}
	converseHolds := true
	for _, o := range ops {
		if !o.changesNothing() {
			writers[o.value].op = o
			writers[o.value].count++
		}
		switch o.kind {
		case history.CAS:
			converseHolds = false
			if o.answered && o.applied {
				zones[o.expect].add(o)
			}
		case history.Read:
			zones[o.output].add(o)
		}
	}
	var forward, backward []zone
	for value := range zones {
		z, w := &zones[value], writers[value]
		observed := z.calledLast != nil
		switch {
		case w.count > 1:
			converseHolds = false
			continue
		case w.count == 0 && observed: // nothing can have written it
			return z.calledLast, false
		case w.count == 0:
			continue
		case w.op == nil && !observed: // the initial value
			continue
		case w.op == nil:
			z.firstReturn = beforeAll
		case !w.op.answered && !observed: // it may never have taken effect
			continue
		case observed && z.firstReturn < w.op.op.Call: // observed before the write was called
			return firstObserver(ops, int32(value)), false
		case w.op.kind == history.CAS && w.op.expect == w.op.value:
			continue // it expects the value that it writes, so its call is no bound for the zone
		default:
			z.add(w.op)
		}
		if z.firstReturn < z.lastCall {
			forward = append(forward, *z)
		} else {
			backward = append(backward, *z)
		}
	}
	if bad = zoneConflict(forward, backward); bad != nil {
		return bad, false
	}
	return nil, converseHolds
}

// firstObserver is the operation that returned first of those that observed a value.
func firstObserver(ops []*linearOp, value int32) *linearOp {
	var first *linearOp
	for _, o := range ops {
		observed := o.kind == history.Read && o.output == value || o.kind == history.CAS && o.answered && o.applied && o.expect == value
		if observed && (first == nil || o.op.Return < first.op.Return) {
			first = o
		}
	}
	return first
}

// zoneConflict returns an operation of two zones that contradict each other: its value was in the register both
// before and after the other value.
func zoneConflict(forward, backward []zone) *linearOp {
	slices.SortFunc(forward, func(a, b zone) int { return cmp.Compare(a.firstReturn, b.firstReturn) })
	for i := 1; i < len(forward); i++ {
		if a, b := forward[i-1], forward[i]; b.firstReturn < a.lastCall {
			if a.lastCall < b.lastCall {
				return b.calledLast
			}
			return a.calledLast
		}
	}
	for _, b := range backward {
		i, _ := slices.BinarySearchFunc(forward, b.lastCall, func(z zone, at time.Duration) int { return cmp.Compare(z.firstReturn, at) })
		if i > 0 && b.firstReturn < forward[i-1].lastCall {
			return forward[i-1].calledLast
		}
	}
	return nil
}

// add extends the zone by an operation that wrote or observed the value.
func (z *zone) add(o *linearOp) {
	if o.answered {
		z.firstReturn = min(z.firstReturn, o.op.Return)
	}
	if z.calledLast == nil || o.op.Call > z.lastCall {
		z.lastCall, z.calledLast = o.op.Call, o
	}
}
