package linear

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// searchList has Porcupine decide a list that is replaced at times, or to which a value is appended more than
// once: then the reads do not tell the order.
func searchList(key string, ops []*history.Op, b *budget, out *keyResult) {
	s := newListSearch(ops)
	ok := s.run(s.ops, b)
	switch {
	case b.exhausted != "":
		out.undecided = b.exhausted
	case !ok:
		out.violation = s.counterexample(key, b)
	}
}

// listSearch numbers the contents that a read shows, or that a longer one begins with. Number 0 is the empty
// list. All contents that are no prefix of any read are equivalent: no append makes them one that does.
type listSearch struct {
	ops    []*listOp
	longer map[longerList]int32
}

type longerList struct {
	from  int32
	value string
}

// unreadable is the number of all contents that no read shows or begins with.
const unreadable = -1

type listOp struct {
	op    *history.Op
	shows int32 // of a read
}

func newListSearch(ops []*history.Op) *listSearch {
	s := &listSearch{longer: map[longerList]int32{}}
	seen := map[string]bool{}
	for _, op := range ops {
		if op.Kind == history.ListRead && takesPart(op) {
			for _, value := range op.Set {
				seen[value] = true
			}
		}
	}
	for _, op := range ops {
		if !takesPart(op) || op.Outcome != history.OK && op.Value != "" && !seen[op.Value] {
			continue // it has no return, so it can stand after all others
		}
		o := &listOp{op: op}
		if op.Kind == history.ListRead {
			for _, value := range op.Set {
				next, known := s.longer[longerList{o.shows, value}]
				if !known {
					next = int32(len(s.longer) + 1)
					s.longer[longerList{o.shows, value}] = next
				}
				o.shows = next
			}
		}
		s.ops = append(s.ops, o)
	}
	return s
}

// apply is the sequential list.
func (s *listSearch) apply(state int32, o *listOp) (ok bool, next int32) {
	if o.op.Kind == history.ListRead {
		return o.shows == state, state
	}
	if o.op.Kind == history.Put {
		state = 0
	}
	if o.op.Value == "" || state == unreadable {
		return true, state
	}
	if next, known := s.longer[longerList{state, o.op.Value}]; known {
		return true, next
	}
	return true, unreadable
}

// run reports whether there is an order. The answer means nothing once the budget is exhausted.
func (s *listSearch) run(ops []*listOp, b *budget) bool {
	defer b.free()
	model := porcupine.Model{
		Init: func() any { return int32(0) },
		// When the budget is exhausted no step fits any more, so the search runs out of steps and ends.
		Step: func(state, input, _ any) (bool, any) {
			if !b.step() {
				return false, state
			}
			ok, next := s.apply(state.(int32), input.(*listOp))
			if !ok || !b.remember(bytesPerState+int64(len(ops)/8)) {
				return false, state
			}
			return true, next
		},
		Equal: func(a, b any) bool { return a.(int32) == b.(int32) },
		Hash:  func(s any) uint64 { return uint64(uint32(s.(int32))) * 0x9e3779b97f4a7c15 },
	}
	in := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		in[i] = porcupine.Operation{Input: o, Call: int64(o.op.Call), Return: int64(o.op.Return)}
		if o.op.Outcome != history.OK {
			in[i].Return = int64(forever)
		}
	}
	return porcupine.CheckOperationsTimeout(model, in, 0) == porcupine.Ok
}

// counterexample names the first operation to return with which there is no order any more: if a beginning of the
// history has none, no longer one has, so it is found by halving.
func (s *listSearch) counterexample(key string, b *budget) []string {
	returned := slices.DeleteFunc(slices.Clone(s.ops), func(o *listOp) bool { return o.op.Outcome != history.OK })
	slices.SortStableFunc(returned, func(a, b *listOp) int { return cmp.Compare(a.op.Return, b.op.Return) })
	exhausted := false
	n := sort.Search(len(returned), func(i int) bool {
		again := *b
		again.exhausted = ""
		ok := s.run(s.until(returned[i]), &again)
		exhausted = exhausted || again.exhausted != ""
		return !ok
	})
	if exhausted || n == len(returned) {
		return []string{fmt.Sprintf("%s: no order of its %s fits", key, format.Count(len(s.ops), "operation"))}
	}
	out := []string{format.Operation(returned[n].op) + " — fits no order of the operations"}
	for i := n - 1; i >= 0; i-- {
		if o := returned[i].op; o.Return < returned[n].op.Call {
			return append(out, format.Operation(o)+" — had returned before")
		}
	}
	return out
}

// until is the history up to the return of an operation: what is under way then has no answer yet.
func (s *listSearch) until(last *listOp) []*listOp {
	var out []*listOp
	for _, o := range s.ops {
		open := o.op.Return > last.op.Return || o.op.Outcome != history.OK
		if o.op.Call > last.op.Return || open && o.op.Kind == history.ListRead {
			continue
		}
		if open {
			pending := *o.op
			pending.Outcome = history.Unknown
			o = &listOp{&pending, 0}
		}
		out = append(out, o)
	}
	return out
}
