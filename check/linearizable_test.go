package check

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// op makes an operation on register or set "x" that lasts from call to ret.
func op(call, ret int, o history.Op) history.Op {
	o.Key, o.Call, o.Intended, o.Return = "x", time.Duration(call), time.Duration(call), time.Duration(ret)
	if o.Outcome == "" {
		o.Outcome = history.OK
	}
	return o
}

func write(v string) history.Op { return history.Op{Kind: history.Write, Value: v} }
func read(v string) history.Op  { return history.Op{Kind: history.Read, Output: v} }
func add(v string) history.Op   { return history.Op{Kind: history.Add, Value: v} }
func members(vs string) history.Op {
	return history.Op{Kind: history.SetRead, Set: strings.Fields(vs)}
}

func cas(from, to string, swapped bool) history.Op {
	return history.Op{Kind: history.CAS, Expect: from, Value: to, Applied: swapped}
}

func unknown(o history.Op) history.Op {
	o.Outcome = history.Unknown
	return o
}

func failed(o history.Op) history.Op {
	o.Outcome = history.Failed
	return o
}

func TestLinearizable(t *testing.T) {
	stale := read("")
	stale.Stale = true
	cases := []struct {
		name string
		ops  []history.Op
		want record.Verdict
	}{
		{"read what was written", []history.Op{op(1, 2, write("a")), op(3, 4, read("a"))}, record.Pass},
		{"concurrent, either way", []history.Op{op(1, 5, write("a")), op(2, 3, read("")), op(2, 4, read("a"))}, record.Pass},
		{"equal instants are concurrent", []history.Op{op(1, 2, write("a")), op(2, 3, read(""))}, record.Pass},
		{"stale read", []history.Op{op(1, 2, write("a")), op(3, 4, read(""))}, record.Fail},
		{"stale read that was asked for", []history.Op{op(1, 2, write("a")), op(3, 4, stale)}, record.Pass},
		{"new, then old", []history.Op{op(1, 9, write("a")), op(2, 3, read("a")), op(4, 5, read(""))}, record.Fail},
		{"lost update", []history.Op{op(1, 2, write("a")), op(3, 4, cas("a", "b", true)), op(5, 6, cas("a", "c", true))}, record.Fail},
		{"refused though it fits", []history.Op{op(1, 2, write("a")), op(3, 4, cas("a", "b", false))}, record.Fail},
		{"refused, as it must be", []history.Op{op(1, 2, write("a")), op(3, 4, cas("z", "b", false)), op(5, 6, read("a"))}, record.Pass},
		{"a value from nowhere", []history.Op{op(1, 2, write("a")), op(3, 4, read("b"))}, record.Fail},
		{"unknown write, seen late", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, read("")), op(50, 60, read("a"))}, record.Pass},
		{"unknown write, seen and gone", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, read("a")), op(5, 6, read(""))}, record.Fail},
		{"unknown write, seen before it was called", []history.Op{op(1, 2, read("a")), op(3, 4, unknown(write("a")))}, record.Fail},
		{"unknown write that only a refusal proves", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(write("b"))), op(5, 6, cas("a", "c", false))}, record.Pass},
		{"unknown cas, seen, on an unknown write", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, unknown(cas("a", "b", false))), op(5, 6, read("b"))}, record.Pass},
		{"unknown cas that cannot have fit", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(cas("z", "b", false))), op(5, 6, read("b"))}, record.Fail},
		{"failed write, seen", []history.Op{op(1, 2, failed(write("a"))), op(3, 4, read("a"))}, record.Fail},
		{"unknown read says nothing", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(read("")))}, record.Pass},

		{"a set that grows", []history.Op{op(1, 2, add("a")), op(3, 4, members("a")), op(5, 6, add("b")), op(7, 8, members("b a"))}, record.Pass},
		{"a set, concurrent", []history.Op{op(1, 9, add("a")), op(2, 3, members("")), op(4, 5, members("a"))}, record.Pass},
		{"a set read misses", []history.Op{op(1, 2, add("a")), op(3, 4, members(""))}, record.Fail},
		{"a set read foresees", []history.Op{op(1, 2, members("a")), op(3, 4, add("a"))}, record.Fail},
		{"a set shrinks", []history.Op{op(1, 9, add("a")), op(2, 3, members("a")), op(4, 5, members(""))}, record.Fail},
		{"a set forks", []history.Op{op(1, 9, add("a")), op(1, 9, add("b")), op(2, 8, members("a")), op(2, 8, members("b"))}, record.Fail},
		{"a set swaps two adds", []history.Op{op(1, 2, add("a")), op(3, 9, add("b")), op(1, 8, members("b"))}, record.Fail},
		{"a set holds what nobody added", []history.Op{op(1, 2, add("a")), op(3, 4, members("a b"))}, record.Fail},
		{"a set holds what was refused", []history.Op{op(1, 2, failed(add("a"))), op(3, 4, members("a"))}, record.Fail},
		{"a set, unknown add seen late", []history.Op{op(1, 2, unknown(add("a"))), op(3, 4, members("")), op(50, 60, members("a"))}, record.Pass},
		{"nothing", nil, record.Vacuous},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &record.Run{Ops: c.ops}
			f := finding(t, Judge(context.Background(), r, Options{}), "linearizable")
			if f.Verdict != c.want {
				t.Errorf("%s, want %s: %s %v", f.Verdict, c.want, f.Description, f.Evidence)
			}
			if c.want == record.Fail && len(f.Evidence) == 0 {
				t.Error("a violation without evidence")
			}
		})
	}
}

func TestLinearizableNotAskedFor(t *testing.T) {
	no := false
	r := &record.Run{Ops: []history.Op{op(1, 2, write("a")), op(3, 4, read(""))}}
	r.Objectives.Linearizable = &no
	j := Judge(context.Background(), r, Options{})
	for _, f := range j.Findings {
		if f.Check == "linearizable" {
			t.Errorf("judged though not asked for: %+v", f)
		}
	}
}

// A key that exceeds its limits is undecided and the others are still judged.
func TestLinearizableLimits(t *testing.T) {
	// A hard key: dozens of concurrent writes, then a read of none of them.
	var hard []history.Op
	for i := range 40 {
		o := op(1, 1000, write(fmt.Sprint(i)))
		o.Key = "hard"
		hard = append(hard, o)
	}
	for i := range 40 {
		o := op(2+i, 900, read(fmt.Sprint(39-i)))
		o.Key = "hard"
		hard = append(hard, o)
	}
	o := op(2000, 2001, read("nothing"))
	o.Key = "hard"
	hard = append(hard, o)
	bad := []history.Op{op(1, 2, write("a")), op(3, 4, read(""))}
	good := op(1, 2, write("a"))
	good.Key = "good"

	for name, o := range map[string]Options{
		"time":   {KeyTime: 20 * time.Millisecond},
		"memory": {Memory: 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			j := Judge(context.Background(), &record.Run{Ops: append(hard, good)}, o)
			want(t, j, "linearizable", record.Unknown, "1 of 2 keys undecided, first: hard: out of "+name)
			j = Judge(context.Background(), &record.Run{Ops: append(append(hard, good), bad...)}, o)
			want(t, j, "linearizable", record.Fail, "1 of 3 keys not linearizable: x")
			if len(j.Linearizable.Undecided) != 1 {
				t.Errorf("undecided %v, want the hard one", j.Linearizable.Undecided)
			}
		})
	}
}

// Dozens of writes without an answer, as an outage leaves them on every key,
// do not cost a search of all their orders.
func TestOutageOnOneKey(t *testing.T) {
	var ops []history.Op
	rng := rand.New(rand.NewPCG(1, 2))
	state := ""
	for i := range 600 {
		at := i * 10
		switch {
		case i > 200 && i < 350 && i%2 == 0:
			ops = append(ops, op(at, at+5, unknown(write(fmt.Sprint("u", i)))))
		case i > 200 && i < 350:
			ops = append(ops, op(at, at+5, unknown(cas(state, fmt.Sprint("u", i), false))))
		case i == 400: // one of them took effect at last
			state = "u250"
			ops = append(ops, op(at, at+5, read(state)))
		case rng.IntN(3) == 0:
			state = fmt.Sprint("v", i)
			ops = append(ops, op(at, at+5, write(state)))
		case rng.IntN(2) == 0:
			ops = append(ops, op(at, at+5, cas("other", "no", false)))
		default:
			ops = append(ops, op(at, at+5, read(state)))
		}
	}
	j := Judge(context.Background(), &record.Run{Ops: ops}, Options{})
	want(t, j, "linearizable", record.Pass)
}

func TestViolationQuotesWhatMatters(t *testing.T) {
	var ops []history.Op
	for i := range 100 {
		ops = append(ops, op(i*10, i*10+5, write(fmt.Sprint("v", i))), op(i*10+6, i*10+8, read(fmt.Sprint("v", i))))
	}
	ops[101].Output = "v7" // a read of the fiftieth value shows the seventh
	f := finding(t, Judge(context.Background(), &record.Run{Ops: ops}, Options{}), "linearizable")
	all := strings.Join(f.Evidence, "\n")
	for _, part := range []string{`read x → "v7"`, "fits no order", `write x="v50"`, `write x="v7"`} {
		if !strings.Contains(all, part) {
			t.Errorf("evidence lacks %q:\n%s", part, all)
		}
	}
}

// ordered must be a proof: it may never accept what Porcupine rejects. The
// same small random histories compare judgeRegister and judgeSet with plain
// searches of the whole history.
func TestAgainstPlainSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[string]int{}
	for range 5000 {
		ops := randomHistory(rng, false)
		o := newIndex(ops).registers
		if len(o) == 0 {
			continue
		}
		var held atomic.Int64
		a := judgeRegister(ops, o[0], &budget{ctx: t.Context(), until: time.Now().Add(time.Minute), held: &held, most: 1 << 30})
		want := plainSearch(ops)
		seen[fmt.Sprint("register ", want)]++
		if got := a.violation == nil; got != want {
			t.Fatalf("register: linearizable %v, a plain search says %v:\n%s", got, want, all(ops))
		}
		if held.Load() != 0 {
			t.Fatal("the budget was not given back")
		}
		r := newRegister(ops, o[0], &answer{})
		if r.ordered() {
			if seen["ordered"]++; !want {
				t.Fatalf("the order of revisions is taken for a proof of:\n%s", all(ops))
			}
		}

		ops = randomHistory(rng, true)
		o = newIndex(ops).sets
		if len(o) == 0 {
			continue
		}
		a = judgeSet(ops, o[0])
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
		fmt.Fprintf(&b, "%d–%d %s rev %d %v %v\n", ops[i].Call, ops[i].Return, describe(&ops[i]), ops[i].Revision, ops[i].Outcome, ops[i].Set)
	}
	return b.String()
}

// randomHistory lets a few operations run on a store that is right most of the
// time, with calls and returns moved about so that they overlap.
func randomHistory(rng *rand.Rand, set bool) []history.Op {
	s := newStore()
	n := 3 + rng.IntN(6)
	var ops []history.Op
	for i := range n {
		at := (i + 1) * 10
		o := op(at-rng.IntN(25), at+rng.IntN(25), history.Op{Revision: uint64(i + 1)})
		switch k := rng.IntN(4); {
		case set && k < 2:
			o.Kind, o.Value = history.Add, string(rune('a'+i))
		case set:
			o.Kind = history.SetRead
		case k == 0:
			o.Kind, o.Value = history.Write, string(rune('a'+i))
		case k == 1:
			o.Kind, o.Value, o.Expect = history.CAS, string(rune('a'+i)), s.registers["x"]
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
				s.do(&effect)
			}
		} else {
			s.do(&o)
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
		if !judged(o) {
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
