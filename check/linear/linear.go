// Package linear decides whether a history is linearizable: whether each register,
// each set and each list behaved as if there were one copy of it, on which each operation
// took effect at an instant between its call and its return.
//
// It needs nothing but the operations, so it can judge a history from anywhere.
// Registers (read, write, compare-and-set) are decided by the order that the
// system itself reports where it does (FitsRevisionOrder), by the zones of values that
// were written once, else by a search that is compared with Porcupine's; sets that only grow are decided exactly and without a search,
// and so are lists, unless they are replaced or a value is appended twice.
// Operations with an unknown outcome may have taken effect at any time after their
// call, or never. Reads that asked to be stale are left out, and so is every other kind
// of operation.
package linear

import (
	"cmp"
	"context"
	"fmt"
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
	// Counterexample names the operation that fits no order, and what contradicts it: three lines at most.
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
	each := func(keys []keyindex.Key, judge func(k keyindex.Key) keyResult) {
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
	each(keys.Sets, func(k keyindex.Key) keyResult { return checkSet(k.Name, k.Ops) })
	each(keys.Lists, func(k keyindex.Key) keyResult {
		return checkList(k.Name, k.Ops, &budget{ctx: ctx, until: time.Now().Add(o.KeyTime), held: &held, limit: o.Memory})
	})
	each(keys.Registers, func(k keyindex.Key) keyResult {
		return checkRegister(k.Name, k.Ops, &budget{ctx: ctx, until: time.Now().Add(o.KeyTime), held: &held, limit: o.Memory})
	})
	_ = g.Wait() // what goes wrong on a key is its result

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

// guard keeps what goes wrong on one key from the others.
func guard(key string, judge func() keyResult) (r keyResult) {
	defer func() {
		if p := recover(); p != nil {
			r = keyResult{undecided: fmt.Sprintf("the checker failed: %v", p)}
		}
		r.key = key
	}()
	return judge()
}

// takesPart reports whether an operation is judged: one without an effect is
// not, nor is a read without an answer, nor one that asked to be stale.
func takesPart(op *history.Op) bool {
	switch {
	case op.Outcome == history.Failed, op.Stale:
		return false
	case op.Outcome == history.OK:
		return true
	default:
		return op.Kind.Class() == history.Writes
	}
}
