package linear

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
)

// FitsRevisionOrder must never accept a history that Porcupine rejects, and checkRegister and checkSet must
// agree with Porcupine's search of the whole history. All are compared on small random histories.
func TestAgainstReferenceSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[string]int{}
	for range 5000 {
		ops := randomHistory(rng, randomShape{ops: 8, unknown: 5, overlap: 25, compares: true})
		o := keyindex.New(ops).Registers
		if len(o) == 0 {
			continue
		}
		var held atomic.Int64
		a := checkRegister(o[0].Name, o[0].Ops, &budget{ctx: t.Context(), deadline: time.Now().Add(time.Minute), held: &held, limit: 1 << 30})
		want := referenceSearch(ops)
		seen[fmt.Sprint("register ", want)]++
		if got := a.violation == nil; got != want {
			t.Fatalf("register: linearizable %v, the reference search says %v:\n%s", got, want, all(ops))
		}
		if held.Load() != 0 {
			t.Fatal("the budget was not given back")
		}
		if FitsRevisionOrder(ops) {
			if seen["ordered"]++; !want {
				t.Fatalf("the order of revisions is taken for a proof of:\n%s", all(ops))
			}
		}

		ops = randomHistory(rng, randomShape{ops: 8, set: true, unknown: 5, overlap: 25})
		o = keyindex.New(ops).Sets
		if len(o) == 0 {
			continue
		}
		a = checkSet(o[0].Name, o[0].Ops)
		want = referenceSearch(ops)
		seen[fmt.Sprint("set ", want)]++
		if got := a.violation == nil; got != want {
			t.Fatalf("set: linearizable %v, the reference search says %v:\n%s\n%v", got, want, all(ops), a.violation)
		}
	}
	for _, s := range []string{"register true", "register false", "set true", "set false", "ordered"} {
		if seen[s] < 100 {
			t.Errorf("only %d of %q among the histories", seen[s], s)
		}
	}
}

func all(ops []history.Op) string {
	var b strings.Builder
	for i := range ops {
		fmt.Fprintf(&b, "%d–%d %s rev %d %v %v\n", ops[i].Call, ops[i].Return, format.Operation(&ops[i]), ops[i].Revision, ops[i].Outcome, ops[i].Set)
	}
	return b.String()
}

// randomShape describes random histories.
type randomShape struct {
	set      bool
	ops      int  // the most operations
	values   int  // how many different values are written; 0 means that each write has its own
	unknown  int  // one in this many operations has no answer
	overlap  int  // how far calls and returns are moved
	compares bool // with compare-and-sets
}

// randomHistory makes a history of a few operations on a store that gives a wrong answer now and then,
// with calls and returns moved at random so that they overlap.
func randomHistory(rng *rand.Rand, shape randomShape) []history.Op {
	s := checktest.NewStore()
	n := 3 + rng.IntN(shape.ops-2)
	value := func(i int) string {
		if shape.values > 0 {
			i = rng.IntN(shape.values)
		}
		return string(rune('a' + i))
	}
	var ops []history.Op
	for i := range n {
		at := (i + 1) * 10
		o := history.Op{Key: "x", Outcome: history.OK, Revision: uint64(i + 1)}
		o.Call, o.Return = time.Duration(at-rng.IntN(shape.overlap)), time.Duration(at+rng.IntN(shape.overlap))
		o.Intended = o.Call
		switch k := rng.IntN(4); {
		case shape.set && k < 2:
			o.Kind, o.Value = history.Add, string(rune('a'+i))
		case shape.set:
			o.Kind = history.SetRead
		case k == 0:
			o.Kind, o.Value = history.Write, value(i)
		case k == 1 && shape.compares:
			o.Kind, o.Value, o.Expect = history.CAS, value(i), s.Registers["x"]
			if rng.IntN(2) == 0 {
				o.Expect = value(rng.IntN(n))
			}
		case k == 1:
			o.Kind, o.Value = history.Write, value(i)
		default:
			o.Kind = history.Read
		}
		effect := o
		if rng.IntN(shape.unknown) == 0 {
			o.Outcome = history.Unknown
			if rng.IntN(2) == 0 {
				s.Do(&effect)
			}
		} else {
			s.Do(&o)
			if rng.IntN(6) == 0 { // a wrong answer
				o.Output, o.Applied = value(rng.IntN(n)), !o.Applied
				if len(o.Set) > 0 {
					o.Set = o.Set[:len(o.Set)-1]
				}
				if o.Kind != history.Read {
					o.Output = ""
				}
				if o.Kind != history.CAS {
					o.Applied = false
				}
			}
		}
		ops = append(ops, o)
	}
	return ops
}

// The search is compared on shapes that are hard to get right: values that recur, and more unanswered writes than
// answered ones, so that most mismatched compare-and-sets are explained by writes whose value no read returned.
func TestSearchAgainstReferenceSearch(t *testing.T) {
	shapes := map[string]randomShape{
		"own values":              {ops: 9, unknown: 5, overlap: 40},
		"own values, compared":    {ops: 8, unknown: 3, overlap: 40, compares: true},
		"two values":              {ops: 8, values: 2, unknown: 4, overlap: 30, compares: true},
		"three values, no answer": {ops: 8, values: 3, unknown: 2, overlap: 60, compares: true},
		"one after another":       {ops: 9, values: 3, unknown: 2, overlap: 6, compares: true},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			count := map[bool]int{}
			for range searchTrials {
				ops := randomHistory(rng, shape)
				want := referenceSearch(ops)
				count[want]++
				pointers := keyindex.New(ops).Registers[0].Ops
				var held atomic.Int64
				limits := func() *budget {
					return &budget{ctx: t.Context(), deadline: time.Now().Add(time.Minute), held: &held, limit: 1 << 30}
				}
				if got := checkRegister("x", pointers, limits()); (got.violation == nil) != want || got.undecided != "" || len(got.violation) > 3 {
					t.Fatalf("linearizable %v, %d lines, the reference search says %v:\n%s", got.violation == nil, len(got.violation), want, all(ops))
				}
				// checkRegister does not search where the zones decide, so the search is compared by itself.
				if got := newRegister("x", pointers, &keyResult{}).newRegisterSearch(false, limits()).run(); got != want {
					t.Fatalf("the search says %v, the reference search says %v:\n%s", got, want, all(ops))
				}
			}
			if count[true] < searchTrials/20 || count[false] < searchTrials/20 {
				t.Errorf("%v histories, want both kinds", count)
			}
		})
	}
}

// Lists are decided without a search where each value is appended once, and by Porcupine on numbered contents
// elsewhere. Both are compared with Porcupine on the contents themselves.
func TestListsAgainstReferenceSearch(t *testing.T) {
	for name, shape := range map[string]struct {
		values int // that are written; 0 means that each append has its own
		puts   bool
	}{"own values": {0, false}, "replaced": {0, true}, "values that recur": {3, true}} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 10))
			count := map[bool]int{}
			for range searchTrials {
				ops := randomList(rng, shape.values, shape.puts)
				if len(keyindex.New(ops).Lists) == 0 {
					continue
				}
				want := referenceListSearch(ops)
				count[want]++
				var held atomic.Int64
				b := &budget{ctx: t.Context(), deadline: time.Now().Add(time.Minute), held: &held, limit: 1 << 30}
				got := checkList("x", keyindex.New(ops).Lists[0].Ops, b)
				if (got.violation == nil) != want || got.undecided != "" || len(got.violation) > 3 {
					t.Fatalf("%q %q, the reference search says %v:\n%s", got.violation, got.undecided, want, all(ops))
				}
			}
			if count[true] < searchTrials/20 || count[false] < searchTrials/20 {
				t.Errorf("%v histories, want both kinds", count)
			}
		})
	}
}

// randomList makes a history of a few operations on a list that gives a wrong answer now and then.
func randomList(rng *rand.Rand, values int, puts bool) []history.Op {
	var ops []history.Op
	state := ""
	for i := range 3 + rng.IntN(7) {
		at := (i + 1) * 10
		o := history.Op{Key: "x", Outcome: history.OK, Call: time.Duration(at - rng.IntN(25)), Return: time.Duration(at + rng.IntN(25))}
		value := string(rune('a' + i))
		if values > 0 {
			value = string(rune('a' + rng.IntN(values)))
		}
		switch k := rng.IntN(5); {
		case k < 2:
			o.Kind, o.Value = history.Append, value
		case k == 2 && puts && rng.IntN(2) == 0:
			o.Kind, o.Value = history.Put, value
		default:
			o.Kind = history.ListRead
		}
		takesEffect := true
		if rng.IntN(5) == 0 {
			o.Outcome, takesEffect = history.Unknown, rng.IntN(2) == 0
		} else if rng.IntN(8) == 0 {
			takesEffect = false // a wrong answer
		}
		switch {
		case o.Kind == history.ListRead:
			for _, c := range state {
				o.Set = append(o.Set, string(c))
			}
			if !takesEffect && len(o.Set) > 0 {
				o.Set = o.Set[:len(o.Set)-1]
			}
		case takesEffect && o.Kind == history.Put:
			state = o.Value
		case takesEffect:
			state += o.Value
		}
		ops = append(ops, o)
	}
	return ops
}

func referenceListSearch(ops []history.Op) bool {
	model := porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			o := input.(*history.Op)
			switch o.Kind {
			case history.Append:
				return true, state.(string) + o.Value
			case history.Put:
				return true, o.Value
			default:
				return strings.Join(o.Set, "") == state.(string), state
			}
		},
	}
	return porcupine.CheckOperations(model, referenceOps(ops))
}

// searchTrials is how many histories of each shape are compared.
const searchTrials = 8000

// referenceSearch lets Porcupine search the whole history without any of the package's short cuts: unanswered operations
// return never, and the whole set is the state.
func referenceSearch(ops []history.Op) bool {
	model := porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			s, o := state.(string), input.(*history.Op)
			known := o.Outcome == history.OK
			switch o.Kind {
			case history.Read:
				return o.Output == s, s
			case history.Write:
				return true, o.Value
			case history.CAS:
				if known && o.Applied != (s == o.Expect) {
					return false, s
				}
				if s == o.Expect {
					return true, o.Value
				}
				return true, s
			case history.Add: // kept sorted
				i := 0
				for i < len(s) && s[i] < o.Value[0] {
					i++
				}
				return true, s[:i] + o.Value + s[i:]
			default:
				if len(s) != len(o.Set) {
					return false, s
				}
				for _, v := range o.Set {
					if !strings.Contains(s, v) {
						return false, s
					}
				}
				return true, s
			}
		},
	}
	return porcupine.CheckOperations(model, referenceOps(ops))
}

// referenceOps are the checked operations for Porcupine; an unanswered one returns never.
func referenceOps(ops []history.Op) []porcupine.Operation {
	var in []porcupine.Operation
	for i := range ops {
		o := &ops[i]
		if !isChecked(o) {
			continue
		}
		ret := int64(o.Return)
		if o.Outcome != history.OK {
			ret = int64(forever)
		}
		in = append(in, porcupine.Operation{Input: o, Call: int64(o.Call), Return: ret})
	}
	return in
}
