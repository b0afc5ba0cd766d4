package linear_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
		{"stale read, requested as stale", []history.Op{op(1, 2, write("a")), op(3, 4, stale)}, record.Pass},
		{"new, then old", []history.Op{op(1, 9, write("a")), op(2, 3, read("a")), op(4, 5, read(""))}, record.Fail},
		{"lost update", []history.Op{op(1, 2, write("a")), op(3, 4, cas("a", "b", true)), op(5, 6, cas("a", "c", true))}, record.Fail},
		{"mismatched cas that expects the value", []history.Op{op(1, 2, write("a")), op(3, 4, cas("a", "b", false))}, record.Fail},
		{"mismatched cas that expects another value", []history.Op{op(1, 2, write("a")), op(3, 4, cas("z", "b", false)), op(5, 6, read("a"))}, record.Pass},
		{"a value that nobody wrote", []history.Op{op(1, 2, write("a")), op(3, 4, read("b"))}, record.Fail},
		{"unknown write, read late", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, read("")), op(50, 60, read("a"))}, record.Pass},
		{"unknown write, read and then gone", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, read("a")), op(5, 6, read(""))}, record.Fail},
		{"unknown write, read before it was called", []history.Op{op(1, 2, read("a")), op(3, 4, unknown(write("a")))}, record.Fail},
		{"unknown write that only a mismatched cas proves", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(write("b"))), op(5, 6, cas("a", "c", false))}, record.Pass},
		{"unknown cas, read, on an unknown write", []history.Op{op(1, 2, unknown(write("a"))), op(3, 4, unknown(cas("a", "b", false))), op(5, 6, read("b"))}, record.Pass},
		{"unknown cas that cannot have fit", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(cas("z", "b", false))), op(5, 6, read("b"))}, record.Fail},
		{"failed write, read", []history.Op{op(1, 2, failed(write("a"))), op(3, 4, read("a"))}, record.Fail},
		{"unknown read is left out", []history.Op{op(1, 2, write("a")), op(3, 4, unknown(read("")))}, record.Pass},

		{"a set that grows", []history.Op{op(1, 2, add("a")), op(3, 4, members("a")), op(5, 6, add("b")), op(7, 8, members("b a"))}, record.Pass},
		{"a set, concurrent", []history.Op{op(1, 9, add("a")), op(2, 3, members("")), op(4, 5, members("a"))}, record.Pass},
		{"a set read misses", []history.Op{op(1, 2, add("a")), op(3, 4, members(""))}, record.Fail},
		{"a set read holds a later add", []history.Op{op(1, 2, members("a")), op(3, 4, add("a"))}, record.Fail},
		{"a set shrinks", []history.Op{op(1, 9, add("a")), op(2, 3, members("a")), op(4, 5, members(""))}, record.Fail},
		{"two set reads that neither contains the other", []history.Op{op(1, 9, add("a")), op(1, 9, add("b")), op(2, 8, members("a")), op(2, 8, members("b"))}, record.Fail},
		{"a set read holds a later add and misses an earlier one", []history.Op{op(1, 2, add("a")), op(3, 9, add("b")), op(1, 8, members("b"))}, record.Fail},
		{"a set holds what nobody added", []history.Op{op(1, 2, add("a")), op(3, 4, members("a b"))}, record.Fail},
		{"a set holds the value of a failed add", []history.Op{op(1, 2, failed(add("a"))), op(3, 4, members("a"))}, record.Fail},
		{"a set, unknown add read late", []history.Op{op(1, 2, unknown(add("a"))), op(3, 4, members("")), op(50, 60, members("a"))}, record.Pass},
		{"nothing", nil, record.Vacuous},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &record.Run{Ops: c.ops}
			f := checktest.Finding(t, check.Judge(t.Context(), r, check.Options{}), "linearizable")
			if f.Verdict != c.want {
				t.Errorf("%s, want %s: %s %v", f.Verdict, c.want, f.Description, f.Evidence)
			}
			if c.want == record.Fail && len(f.Evidence) == 0 {
				t.Error("a violation without evidence")
			}
		})
	}
}

// A key on which the search exceeds a limit is undecided, and the other keys are judged all the same.
func TestLinearizableLimits(t *testing.T) {
	// A key that is hard to search: dozens of concurrent writes, each of a value that was written before, reads of
	// them all, and a read of another value at the end.
	var hard []history.Op
	for i := range 40 {
		hard = append(hard, op(-100, -99, write(fmt.Sprint(i))), op(1, 1000, write(fmt.Sprint(i))), op(2+i, 900, read(fmt.Sprint(39-i))))
	}
	hard = append(hard, op(-100, -99, write("first")), op(-100, -99, write("first")), op(2000, 2001, read("first")))
	for i := range hard {
		hard[i].Key = "hard"
	}
	bad := []history.Op{op(1, 2, write("a")), op(3, 4, read(""))}
	good := op(1, 2, write("a"))
	good.Key = "good"

	for name, o := range map[string]check.Options{
		"time":   {KeyTime: 20 * time.Millisecond},
		"memory": {Memory: 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			j := check.Judge(t.Context(), &record.Run{Ops: append(hard, good)}, o)
			checktest.Want(t, j, "linearizable", record.Unknown, "1 of 2 keys undecided, first: hard: out of "+name)
			j = check.Judge(t.Context(), &record.Run{Ops: append(append(hard, good), bad...)}, o)
			checktest.Want(t, j, "linearizable", record.Fail, "1 of 3 keys not linearizable: x")
			if len(j.Linearizable.Undecided) != 1 {
				t.Errorf("undecided %v, want the hard one", j.Linearizable.Undecided)
			}
		})
	}
}

// Dozens of unanswered writes, as an outage leaves them on every key, do not make the search try all
// their orders.
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
	j := check.Judge(t.Context(), &record.Run{Ops: ops}, check.Options{})
	checktest.Want(t, j, "linearizable", record.Pass)
}

func TestCounterexampleQuotesTheContradiction(t *testing.T) {
	var ops []history.Op
	for i := range 100 {
		ops = append(ops, op(i*10, i*10+5, write(fmt.Sprint("v", i))), op(i*10+6, i*10+8, read(fmt.Sprint("v", i))))
	}
	ops[101].Output = "v7" // a read of the fiftieth value shows the seventh
	f := checktest.Finding(t, check.Judge(t.Context(), &record.Run{Ops: ops}, check.Options{}), "linearizable")
	all := strings.Join(f.Evidence, "\n")
	for _, part := range []string{`read x → "v7"`, "fits no order", `write x="v50"`, `write x="v7"`} {
		if !strings.Contains(all, part) {
			t.Errorf("evidence lacks %q:\n%s", part, all)
		}
	}
}
