package linear_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/history"
)

// outage is a history of 600 sequential operations on one register. 60 of the writes in the middle overlap, 5 at
// a time, and get no answer. The given operations follow at the end.
func outage(unanswered func(i int, state string) history.Op, value func(i int) string, last ...history.Op) []history.Op {
	rng := rand.New(rand.NewPCG(7, 8))
	var ops []history.Op
	state, at := "", 0
	for i := range 600 {
		at += 10
		if i >= 200 && i < 320 && i%2 == 0 {
			ops = append(ops, op(at-(i%10)*10, at+5, unknown(unanswered((i-200)/2, state))))
			continue
		}
		switch k := rng.IntN(4); {
		case k == 0:
			state = value(i)
			ops = append(ops, op(at, at+5, write(state)))
		case k == 1:
			ops = append(ops, op(at, at+5, cas(state, value(i), true)))
			state = value(i)
		case k == 2:
			ops = append(ops, op(at, at+5, cas("never there", "z", false)))
		default:
			ops = append(ops, op(at, at+5, read(state)))
		}
	}
	for _, o := range last {
		at += 10
		ops = append(ops, op(at, at+5, o))
	}
	return ops
}

// However many unanswered writes an outage left, a history that some of them explain is linearizable, and one that
// they do not explain is a violation, and both are decided within the limits.
func TestUnansweredWritesDoNotHideAViolation(t *testing.T) {
	own := func(i int) string { return fmt.Sprint("v", i) }
	few := func(i int) string { return fmt.Sprint(i % 5) }
	mismatches := func(n int) (out []history.Op) { // each can only be explained by an unanswered write
		out = append(out, write("e"))
		for range n {
			out = append(out, cas("e", "f", false), write("e"))
		}
		return out
	}
	cases := []struct {
		name       string
		unanswered func(i int, state string) history.Op
		value      func(i int) string
		clean, bad []history.Op
	}{
		{
			"values of their own", func(i int, _ string) history.Op { return write(fmt.Sprint("u", i)) }, own,
			[]history.Op{write("w"), read("w")},
			[]history.Op{write("w"), write("w2"), read("w")},
		},
		{
			"compare-and-sets", func(i int, state string) history.Op { return cas(state, fmt.Sprint("u", i), false) }, own,
			[]history.Op{write("w"), read("w")},
			[]history.Op{write("w"), read("")},
		},
		{
			"mismatches use all of them", func(i int, _ string) history.Op { return write(fmt.Sprint("u", i)) }, own,
			mismatches(60), mismatches(61),
		},
		{
			"some are compared with", func(i int, _ string) history.Op { return write(fmt.Sprint("u", i)) }, own,
			[]history.Op{write("e"), cas("e", "f", false), cas("u7", "f", false), cas("u8", "f", false), write("w")},
			[]history.Op{write("e"), cas("u7", "f", false), cas("u8", "f", true), cas("u9", "f", true), write("w"), read("e")},
		},
		{
			"five values that recur", func(i int, state string) history.Op {
				if i%3 == 0 {
					return cas(state, fmt.Sprint(i%4), false)
				}
				return write(fmt.Sprint(i % 4))
			}, few,
			[]history.Op{write("4"), read("2"), read("3"), read("1"), cas("1", "2", false), read("2")},
			[]history.Op{write("4"), write("3"), read("2"), read("4")},
		},
		{
			"one value too often", func(int, string) history.Op { return write("1") }, few,
			append(alternate("1", 55), read("2")), append(alternate("1", 61), read("2")),
		},
	}
	limits := linear.Options{KeyTime: 2 * time.Second, Memory: 200 << 20}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if r := linear.Check(t.Context(), outage(c.unanswered, c.value, c.clean...), limits); !r.Linearizable() {
				t.Errorf("clean: violations %v, undecided %v", r.Violations, r.Undecided)
			}
			r := linear.Check(t.Context(), outage(c.unanswered, c.value, c.bad...), limits)
			if len(r.Violations) != 1 {
				t.Fatalf("planted violation: %v, undecided %v", r.Violations, r.Undecided)
			}
			if n := len(r.Violations[0].Counterexample); n == 0 || n > 3 {
				t.Errorf("%d lines of evidence, want one to three", n)
			}
			t.Log(r.Violations[0].Counterexample)
		})
	}
}

// alternate reads a value and overwrites it, repeatedly, so that each read needs another write of it.
func alternate(value string, times int) (out []history.Op) {
	for range times {
		out = append(out, write("2"), read(value))
	}
	return append(out, write("2"))
}
