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

// searchList lets Porcupine decide a list that is replaced, or to which a value is appended more than
// once, so that the reads do not show the order of the appends.
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

// listSearch numbers the contents of all reads and their prefixes. Number 0 is the empty list. Contents that
// are no prefix of any read are equivalent, because no append makes one of them the content of a read.
type listSearch struct {
	ops        []*listOp
	extensions map[extension]int32 // the number of the list that an append makes
}

// extension is an append of a value to a numbered list.
type extension struct {
	list  int32
	value string
}

// noPrefix is the number of all contents that are no prefix of any read.
const noPrefix = -1

type listOp struct {
	op      *history.Op
	content int32 // the number of the list that a read returned
}

func newListSearch(ops []*history.Op) *listSearch {
	s := &listSearch{extensions: map[extension]int32{}}
	held := map[string]bool{} // by a read
	for _, op := range ops {
		if op.Kind == history.ListRead && isChecked(op) {
			for _, value := range op.Set {
				held[value] = true
			}
		}
	}
	for _, op := range ops {
		if !isChecked(op) || op.Outcome != history.OK && op.Value != "" && !held[op.Value] {
			continue // an unanswered write that no read shows can be linearized after all others
		}
		o := &listOp{op: op}
		if op.Kind == history.ListRead {
			for _, value := range op.Set {
				next, known := s.extensions[extension{o.content, value}]
				if !known {
					next = int32(len(s.extensions) + 1)
					s.extensions[extension{o.content, value}] = next
				}
				o.content = next
			}
		}
		s.ops = append(s.ops, o)
	}
	return s
}

// apply is the sequential specification of the list: it reports whether a read returned the state, and the
// state after the operation.
func (s *listSearch) apply(state int32, o *listOp) (ok bool, next int32) {
	if o.op.Kind == history.ListRead {
		return o.content == state, state
	}
	if o.op.Kind == history.Put {
		state = 0
	}
	if o.op.Value == "" || state == noPrefix {
		return true, state
	}
	if next, known := s.extensions[extension{state, o.op.Value}]; known {
		return true, next
	}
	return true, noPrefix
}

// run reports whether there is a linearization. The answer means nothing once the budget is exhausted.
func (s *listSearch) run(ops []*listOp, b *budget) bool {
	defer b.free()
	model := porcupine.Model{
		Init: func() any { return int32(0) },
		// Once the budget is exhausted every step is rejected, which ends the search.
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

// counterexample describes the first operation to return that cannot be linearized. If a prefix of the history is not
// linearizable no longer one is, so a binary search finds it.
func (s *listSearch) counterexample(key string, b *budget) []string {
	returned := slices.DeleteFunc(slices.Clone(s.ops), func(o *listOp) bool { return o.op.Outcome != history.OK })
	slices.SortStableFunc(returned, func(a, b *listOp) int { return cmp.Compare(a.op.Return, b.op.Return) })
	exhausted := false
	n := sort.Search(len(returned), func(i int) bool {
		fresh := *b
		fresh.exhausted = ""
		ok := s.run(s.prefixUntil(returned[i]), &fresh)
		exhausted = exhausted || fresh.exhausted != ""
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

// prefixUntil is the history up to the return of an operation. Operations that are in flight then are unanswered.
func (s *listSearch) prefixUntil(last *listOp) []*listOp {
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
