package linear

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// A zone is the real-time interval of a value that only one operation can have
// written. The register held such a value once and without a break: from its write
// through every operation that found it there. One of these took effect by first, the earliest
// of their returns, and one no sooner than last, the latest of their calls. If first is before last, the value
// was there all the time between (a forward zone); else at some instant between last and first (a
// backward zone). So no history is linearizable in which two forward zones overlap, or
// a backward one lies within a forward one.
//
// If every value was written once and nothing compares, the converse holds too: Gibbons and Korach,
// Testing Shared Memories, 1997. All this takes n log n, whatever runs at the same time.
type zone struct {
	first, last time.Duration
	lastOp      *linearOp // that was called at last
}

// before is the return of whatever was there at the start.
const before = time.Duration(math.MinInt64)

// checkZones returns an operation that contradicts the zones, or says that they prove the history. Usually it is inconclusive.
func (r *register) checkZones() (culprit *linearOp, proved bool) {
	type writer struct {
		op    *linearOp
		count int
	}
	ops := r.linearOps(true)
	writers := make([]writer, len(r.values))
	writers[0].count = 1 // the start
	zones := make([]zone, len(r.values))
	for i := range zones {
		zones[i] = zone{first: forever, last: before}
	}
	plain := true
	for _, o := range ops {
		if !o.readsOnly() {
			writers[o.value].op = o
			writers[o.value].count++
		}
		switch o.kind {
		case history.CAS:
			plain = false
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
		seen := z.lastOp != nil
		switch {
		case w.count > 1:
			plain = false
			continue
		case w.count == 0 && seen:
			return z.lastOp, false
		case w.count == 0:
			continue
		case w.op == nil && !seen: // nobody saw the start
			continue
		case w.op == nil:
			z.first = before
		case !w.op.answered && !seen:
			continue
		case seen && z.first < w.op.op.Call:
			return r.firstToSee(ops, int32(value)), false
		case w.op.kind == history.CAS && w.op.expect == w.op.value:
			continue // it replaced the value by itself, so who wrote it before is not known
		default:
			z.addWrite(w.op)
		}
		if z.first < z.last {
			forward = append(forward, *z)
		} else {
			backward = append(backward, *z)
		}
	}
	if culprit = zoneConflict(forward, backward); culprit != nil {
		return culprit, false
	}
	return nil, plain
}

// firstToSee is the operation that returned first of those that found a value.
func (r *register) firstToSee(ops []*linearOp, value int32) *linearOp {
	var first *linearOp
	for _, o := range ops {
		found := o.kind == history.Read && o.output == value || o.kind == history.CAS && o.answered && o.applied && o.expect == value
		if found && (first == nil || o.op.Return < first.op.Return) {
			first = o
		}
	}
	return first
}

// zoneConflict returns an operation whose value was there both before and after another.
func zoneConflict(forward, backward []zone) *linearOp {
	slices.SortFunc(forward, func(a, b zone) int { return cmp.Compare(a.first, b.first) })
	for i := 1; i < len(forward); i++ {
		if a, b := forward[i-1], forward[i]; b.first < a.last {
			if a.last < b.last {
				return b.lastOp
			}
			return a.lastOp
		}
	}
	for _, b := range backward {
		i, _ := slices.BinarySearchFunc(forward, b.last, func(z zone, at time.Duration) int { return cmp.Compare(z.first, at) })
		if i > 0 && b.first < forward[i-1].last {
			return forward[i-1].lastOp
		}
	}
	return nil
}

// add takes in an operation that found the value.
func (z *zone) add(o *linearOp) {
	z.first = min(z.first, o.op.Return)
	if z.lastOp == nil || o.op.Call > z.last {
		z.last, z.lastOp = o.op.Call, o
	}
}

// addWrite takes in the operation that wrote the value.
func (z *zone) addWrite(o *linearOp) {
	if o.answered {
		z.first = min(z.first, o.op.Return)
	}
	if z.lastOp == nil || o.op.Call > z.last {
		z.last, z.lastOp = o.op.Call, o
	}
}
