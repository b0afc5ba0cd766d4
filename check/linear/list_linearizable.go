package linear

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// checkList decides a list to which values are appended. If each value was appended once and nothing
// replaced the list, it decides exactly and without a search, because the longest read shows the
// order of all values that any read holds. Such a history is linearizable if and only if
//
//  1. every read is a prefix of the longest; and
//  2. this order respects real time: the empty reads, the first append, the reads of one
//     element, the second append, and so on, and at last the acknowledged appends that no read holds.
//
// For 2, each operation is linearized at the latest of its call and the points of the operations
// before it; the order respects real time if that is never after the operation's return. An unanswered
// append that no read holds can be linearized after all others, so it proves nothing and is left out.
func checkList(key string, ops []*history.Op, b *budget) keyResult {
	var out keyResult
	l := list{key: key, appends: map[string]*history.Op{}}
	needsSearch := false
	for op := range out.checkedOps(ops) {
		switch {
		case op.Kind == history.ListRead:
			l.reads = append(l.reads, op)
		case op.Kind == history.Put, l.appends[op.Value] != nil, op.Value == "":
			needsSearch = true
		default:
			l.appends[op.Value] = op
		}
	}
	if needsSearch {
		searchList(key, ops, b, &out)
		return out
	}
	slices.SortStableFunc(l.reads, func(a, b *history.Op) int { return len(a.Set) - len(b.Set) })
	if out.violation = l.prefixViolation(); out.violation == nil {
		out.violation = l.realTimeViolation()
	}
	return out
}

// list is the history of one list, each value of which was appended once.
type list struct {
	key     string
	appends map[string]*history.Op
	reads   []*history.Op // by length
}

// order is the content of the longest read.
func (l *list) order() []string {
	if len(l.reads) == 0 {
		return nil
	}
	return l.reads[len(l.reads)-1].Set
}

// prefixViolation finds a read that holds a value which was not appended, or which is no prefix of the longest read.
func (l *list) prefixViolation() []string {
	if len(l.reads) == 0 {
		return nil
	}
	longest := l.reads[len(l.reads)-1]
	indices := map[string]int{}
	for i, value := range longest.Set {
		earlier, twice := indices[value]
		switch {
		case l.appends[value] == nil:
			return []string{format.Operation(longest), fmt.Sprintf("%s: it holds %q, which no append that can have had effect wrote", l.key, value)}
		case twice:
			return []string{format.Operation(longest), fmt.Sprintf("%s: it holds %q, which was appended once, at the places %d and %d", l.key, value, earlier+1, i+1)}
		}
		indices[value] = i
	}
	for _, r := range l.reads {
		for i, value := range r.Set {
			if value != longest.Set[i] {
				return []string{
					format.Operation(r), format.Operation(longest),
					fmt.Sprintf("%s: at place %d the first holds %q and the second %q", l.key, i+1, value, longest.Set[i]),
				}
			}
		}
	}
	return nil
}

// realTimeViolation finds an operation that returned before an operation that precedes it in the order was called.
func (l *list) realTimeViolation() []string {
	latestCall, caller := beforeAll, (*history.Op)(nil) // of the operations so far
	reads := l.reads
	held := map[string]bool{}
	for length := 0; ; length++ {
		group := 0
		for group < len(reads) && len(reads[group].Set) == length {
			group++
		}
		precedingCall, preceding := latestCall, caller
		for _, r := range reads[:group] { // reads of the same length may be in any order
			if r.Return < precedingCall {
				return l.counterexample(r, preceding, "it shows what was called only after its return, or more than a later one")
			}
			if r.Call > latestCall {
				latestCall, caller = r.Call, r
			}
		}
		reads = reads[group:]
		if length == len(l.order()) {
			break
		}
		a := l.appends[l.order()[length]]
		held[a.Value] = true
		if l.returned(a) < latestCall {
			return l.counterexample(a, caller, fmt.Sprintf("%q was acknowledged before the second was called, which does not show it, or stands before it", a.Value))
		}
		if a.Call > latestCall {
			latestCall, caller = a.Call, a
		}
	}
	var lost *history.Op
	for _, a := range l.appends {
		if !held[a.Value] && l.returned(a) < latestCall && (lost == nil || a.Call < lost.Call) {
			lost = a
		}
	}
	if lost != nil {
		return l.counterexample(lost, caller, fmt.Sprintf("%q was acknowledged before the second was called, and no read shows it", lost.Value))
	}
	return nil
}

func (l *list) returned(op *history.Op) time.Duration {
	if op.Outcome != history.OK {
		return forever
	}
	return op.Return
}

func (l *list) counterexample(op, later *history.Op, why string) []string {
	return []string{format.Operation(op) + " — fits no order of the operations", format.Operation(later), l.key + ": " + why}
}
