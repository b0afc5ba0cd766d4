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

// FitsRevisionOrder must be a proof: it may never accept what Porcupine rejects. The
// same small random histories compare checkRegister and checkSet with plain
// searches of the whole history.
func TestAgainstPlainSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[string]int{}
	for range 5000 {
		ops := randomHistory(rng, false)
		o := keyindex.New(ops).Registers
		if len(o) == 0 {
			continue
		}
		var held atomic.Int64
		a := checkRegister(o[0].Name, o[0].Ops, &budget{ctx: t.Context(), until: time.Now().Add(time.Minute), held: &held, limit: 1 << 30})
		want := plainSearch(ops)
		seen[fmt.Sprint("register ", want)]++
		if got := a.violation == nil; got != want {
			t.Fatalf("register: linearizable %v, a plain search says %v:\n%s", got, want, all(ops))
		}
		if held.Load() != 0 {
			t.Fatal("the budget was not given back")
		}
		if FitsRevisionOrder(ops) {
			if seen["ordered"]++; !want {
				t.Fatalf("the order of revisions is taken for a proof of:\n%s", all(ops))
			}
		}

		ops = randomHistory(rng, true)
		o = keyindex.New(ops).Sets
		if len(o) == 0 {
			continue
		}
		a = checkSet(o[0].Name, o[0].Ops)
		want = plainSearch(ops)
		seen[fmt.Sprint("set ", want)]++
		if got := a.violation == nil; got != want {
			t.Fatalf("set: linearizable %v, a plain search says %v:\n%s\n%v", got, want, all(ops), a.violation)
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

// randomHistory lets a few operations run on a store that is right most of the
// time, with calls and returns moved about so that they overlap.
func randomHistory(rng *rand.Rand, set bool) []history.Op {
	s := checktest.NewStore()
	n := 3 + rng.IntN(6)
	var ops []history.Op
	for i := range n {
		at := (i + 1) * 10
		o := history.Op{Key: "x", Outcome: history.OK, Revision: uint64(i + 1)}
		o.Call, o.Return = time.Duration(at-rng.IntN(25)), time.Duration(at+rng.IntN(25))
		o.Intended = o.Call
		switch k := rng.IntN(4); {
		case set && k < 2:
			o.Kind, o.Value = history.Add, string(rune('a'+i))
		case set:
			o.Kind = history.SetRead
		case k == 0:
			o.Kind, o.Value = history.Write, string(rune('a'+i))
		case k == 1:
			o.Kind, o.Value, o.Expect = history.CAS, string(rune('a'+i)), s.Registers["x"]
			if rng.IntN(2) == 0 {
				o.Expect = string(rune('a' + rng.IntN(n)))
			}
		default:
			o.Kind = history.Read
		}
		effect := o
		if rng.IntN(5) == 0 {
			o.Outcome = history.Unknown
			if rng.IntN(2) == 0 {
				s.Do(&effect)
			}
		} else {
			s.Do(&o)
			if rng.IntN(6) == 0 { // and now a lie
				o.Output, o.Applied = string(rune('a'+rng.IntN(n))), !o.Applied
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

// plainSearch knows no short cuts: every operation, unanswered ones for ever,
// a set as one state.
func plainSearch(ops []history.Op) bool {
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
	var in []porcupine.Operation
	for i := range ops {
		o := &ops[i]
		if !takesPart(o) {
			continue
		}
		ret := int64(o.Return)
		if o.Outcome != history.OK {
			ret = int64(forever)
		}
		in = append(in, porcupine.Operation{Input: o, Call: int64(o.Call), Return: ret})
	}
	return porcupine.CheckOperations(model, in)
}
