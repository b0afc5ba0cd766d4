// Package linear decides whether a history is linearizable: whether each register,
// each set and each list behaved as if there were one copy of it, on which each operation
// took effect at an instant between its call and its return.
//
// It needs nothing but the operations, so it can judge a history from anywhere. What it does not
// judge: transactions over several keys, and orders across keys.
//
//   - A register (read, write, compare-and-set) is decided by the order that the system itself
//     reported, where that is a linearization (FitsRevisionOrder); else by the zones of values that
//     were written once, where they suffice; else by a search, which the tests compare with Porcupine's.
//   - A grow-only set is decided exactly and without a search.
//   - A list is decided in the same way, unless it is replaced or a value is appended twice: then
//     Porcupine searches.
//
// An operation with an unknown outcome may have taken effect at any time after its call, or
// never (Knossos calls it crashed); the code calls it unanswered. Reads that asked to be stale and
// operations of other kinds are left out.
package linear

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
)

// Options bound the search. The zero value has a bound for everything.
type Options struct {
	// KeyTime is how long the search on one register may take; 0 means 10 s.
	KeyTime time.Duration
	// Time is how long all of it may take; 0 means 1 minute.
	Time time.Duration
	// Memory is how many bytes the search may hold over all registers at once; 0 means 512 MiB.
	Memory int64
	// Workers is how many keys are searched at once; 0 means GOMAXPROCS.
	Workers int
}

func (o Options) resolve() Options {
	o.KeyTime = cmp.Or(max(o.KeyTime, 0), 10*time.Second)
	o.Time = cmp.Or(max(o.Time, 0), time.Minute)
	o.Memory = cmp.Or(max(o.Memory, 0), 512<<20)
	o.Workers = cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	return o
}

// Result is the verdict on a history. Every key that is in neither list is
// linearizable.
type Result struct {
	Keys       int // judged
	Ops        int // judged
	StaleReads int // left out
	Violations []Violation
	Undecided  []Undecided
}

// Linearizable reports whether every key was decided, and found linearizable.
func (r *Result) Linearizable() bool { return len(r.Violations)+len(r.Undecided) == 0 }

// Violation is a key that is not linearizable.
type Violation struct {
	Key string
	// Counterexample describes the operation that cannot be linearized and the operations that contradict
	// it, in three lines at most.
	Counterexample []string
}

// Undecided is a key on which the search was given up.
type Undecided struct {
	Key    string
	Reason string // "out of time", "out of memory"
}

// Check judges every register, set and list of a history on its own; keys are
// independent. When ctx ends the keys that are left are undecided.
func Check(ctx context.Context, ops []history.Op, o Options) Result {
	return CheckKeys(ctx, keyindex.New(ops), o)
}

// CheckKeys is Check for operations that are grouped by key already.
func CheckKeys(ctx context.Context, keys *keyindex.Index, o Options) Result {
	o = o.resolve()
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	var (
		held atomic.Int64
		mu   sync.Mutex
		out  Result
		bad  []keyResult
		g    errgroup.Group
	)
	g.SetLimit(o.Workers)
	checkAll := func(keys []keyindex.Key, judge func(k keyindex.Key) keyResult) {
		for part := range slices.Chunk(keys, 16) {
			g.Go(func() error {
				for _, k := range part {
					r := guard(k.Name, func() keyResult {
						if ctx.Err() != nil {
							return keyResult{undecided: "out of time"}
						}
						return judge(k)
					})
					mu.Lock()
					out.Keys++
					out.Ops += r.ops
					out.StaleReads += r.stale
					if r.undecided != "" || r.violation != nil {
						bad = append(bad, r)
					}
					mu.Unlock()
				}
				return nil
			})
		}
	}
	checkAll(keys.Sets, func(k keyindex.Key) keyResult { return checkSet(k.Name, k.Ops) })
	checkAll(keys.Lists, func(k keyindex.Key) keyResult {
		return checkList(k.Name, k.Ops, &budget{ctx: ctx, deadline: time.Now().Add(o.KeyTime), held: &held, limit: o.Memory})
	})
	checkAll(keys.Registers, func(k keyindex.Key) keyResult {
		return checkRegister(k.Name, k.Ops, &budget{ctx: ctx, deadline: time.Now().Add(o.KeyTime), held: &held, limit: o.Memory})
	})
	_ = g.Wait() // no function returns an error: a key that cannot be checked is undecided

	slices.SortFunc(bad, func(a, b keyResult) int { return cmp.Compare(a.key, b.key) })
	for _, r := range bad {
		if r.violation == nil {
			out.Undecided = append(out.Undecided, Undecided{r.key, r.undecided})
			continue
		}
		out.Violations = append(out.Violations, Violation{r.key, r.violation})
	}
	return out
}

// keyResult is the verdict on one key: linearizable unless a field says otherwise.
type keyResult struct {
	key       string
	ops       int // judged
	stale     int // left out
	undecided string
	violation []string // a counterexample
}

// guard turns a panic of the checker on one key into an undecided key.
func guard(key string, judge func() keyResult) (r keyResult) {
	defer func() {
		if p := recover(); p != nil {
			r = keyResult{undecided: fmt.Sprintf("the checker failed: %v", p)}
		}
		r.key = key
	}()
	return judge()
}

// checkedOps yields the operations of a key that are checked, and counts them, and the stale
// reads that are left out, in the result.
func (r *keyResult) checkedOps(ops []*history.Op) iter.Seq[*history.Op] {
	return func(yield func(*history.Op) bool) {
		for _, op := range ops {
			if op.Stale {
				r.stale++
			}
			if !isChecked(op) {
				continue
			}
			r.ops++
			if !yield(op) {
				return
			}
		}
	}
}

// isChecked reports whether an operation is checked. Left out are operations that certainly had no
// effect, reads without an answer, and reads that asked to be stale.
func isChecked(op *history.Op) bool {
	switch {
	case op.Outcome == history.Failed, op.Stale:
		return false
	case op.Outcome == history.OK:
		return true
	default:
		return op.Kind.Class() == history.Writes
	}
}
