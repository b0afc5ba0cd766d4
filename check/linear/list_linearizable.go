package linear

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// checkList decides a list to which values are appended. Where each value was appended once, and nothing
// replaced the list, this is exact and takes no search: the longest read tells the order of all
// that was ever seen. Such a history is linearizable if and only if every read is a prefix of the longest, and
// instants can be found for this order: the empty reads, the first append, the reads of one element, the
// second append, and so on, and in the end the appends that nobody saw. Each takes effect at the latest of its
// call and what is before it; the order fits if that is never after a return. An append without an
// answer that nobody saw can stand after all of them, so it tells nothing and is left out.
func checkList(key string, ops []*history.Op, b *budget) keyResult {
	var out keyResult
	l := list{key: key, appends: map[string]*history.Op{}}
	searched := false
	for _, op := range ops {
		if op.Stale {
			out.stale++
		}
		if !takesPart(op) {
			continue
		}
		out.ops++
		switch {
		case op.Kind == history.ListRead:
			l.reads = append(l.reads, op)
		case op.Kind == history.Put, l.appends[op.Value] != nil, op.Value == "":
			searched = true
		default:
			l.appends[op.Value] = op
		}
	}
	if searched {
		searchList(key, ops, b, &out)
		return out
	}
	slices.SortStableFunc(l.reads, func(a, b *history.Op) int { return len(a.Set) - len(b.Set) })
	if out.violation = l.contradiction(); out.violation == nil {
		out.violation = l.misplaced()
	}
	return out
}

// list is the history of one list, each value of which was appended once.
type list struct {
	key     string
	appends map[string]*history.Op
	reads   []*history.Op // by length
}

// order is what the longest read shows.
func (l *list) order() []string {
	if len(l.reads) == 0 {
		return nil
	}
	return l.reads[len(l.reads)-1].Set
}

// contradiction finds a read that shows what nobody appended, or another order than a longer one.
func (l *list) contradiction() []string {
	if len(l.reads) == 0 {
		return nil
	}
	longest := l.reads[len(l.reads)-1]
	places := map[string]int{}
	for i, value := range longest.Set {
		before, twice := places[value]
		switch {
		case l.appends[value] == nil:
			return []string{format.Operation(longest), fmt.Sprintf("%s: it holds %q, which no append that can have had effect wrote", l.key, value)}
		case twice:
			return []string{format.Operation(longest), fmt.Sprintf("%s: it holds %q, which was appended once, at the places %d and %d", l.key, value, before+1, i+1)}
		}
		places[value] = i
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

// misplaced finds an operation that returned before the one that it follows was called.
func (l *list) misplaced() []string {
	at, by := before, (*history.Op)(nil) // the latest call so far, and whose it is
	reads := l.reads
	seen := map[string]bool{}
	for length := 0; ; length++ {
		group := 0
		for group < len(reads) && len(reads[group].Set) == length {
			group++
		}
		from, caller := at, by
		for _, r := range reads[:group] { // among themselves they need no order
			if r.Return < from {
				return l.tooEarly(r, caller, "it shows what was called only after its return, or more than a later one")
			}
			if r.Call > at {
				at, by = r.Call, r
			}
		}
		reads = reads[group:]
		if length == len(l.order()) {
			break
		}
		a := l.appends[l.order()[length]]
		seen[a.Value] = true
		if l.returned(a) < at {
			return l.tooEarly(a, by, fmt.Sprintf("%q was acknowledged before the second was called, which does not show it, or stands before it", a.Value))
		}
		if a.Call > at {
			at, by = a.Call, a
		}
	}
	var lost *history.Op
	for _, a := range l.appends {
		if !seen[a.Value] && l.returned(a) < at && (lost == nil || a.Call < lost.Call) {
			lost = a
		}
	}
	if lost != nil {
		return l.tooEarly(lost, by, fmt.Sprintf("%q was acknowledged before the second was called, and no read shows it", lost.Value))
	}
	return nil
}

func (l *list) returned(op *history.Op) time.Duration {
	if op.Outcome != history.OK {
		return forever
	}
	return op.Return
}

func (l *list) tooEarly(op, later *history.Op, why string) []string {
	return []string{format.Operation(op) + " — fits no order of the operations", format.Operation(later), l.key + ": " + why}
}
