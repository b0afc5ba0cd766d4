package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// judgeLinearizable asks whether each register and each set behaved as if
// there were one copy of it, on which each operation took effect at an instant
// between its call and its return. Objects are independent, so each is judged
// alone. Reads that asked to be stale are counted and left out.
func judgeLinearizable(ctx context.Context, v *view, j *record.Result) []record.Finding {
	if !*v.obj.Linearizable {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.opts.Time)
	defer cancel()
	var (
		x    = v.index()
		out  = &record.Linearizable{}
		mu   sync.Mutex
		held atomic.Int64
		all  []answer
		g    errgroup.Group
	)
	j.Linearizable = out
	g.SetLimit(v.opts.Workers)
	each := func(objects []object, judge func(o object) answer) {
		for part := range slices.Chunk(objects, 16) {
			g.Go(func() error {
				for _, o := range part {
					a := guardKey(o.key, func() answer {
						if ctx.Err() != nil {
							return answer{undecided: "out of time"}
						}
						return judge(o)
					})
					mu.Lock()
					out.Keys++
					out.Ops += a.ops
					out.StaleReads += a.stale
					if a.undecided != "" || a.violation != nil {
						all = append(all, a)
					}
					mu.Unlock()
				}
				return nil
			})
		}
	}
	each(x.sets, func(o object) answer { return judgeSet(v.run.Ops, o) })
	each(x.registers, func(o object) answer {
		return judgeRegister(v.run.Ops, o, &budget{ctx: ctx, until: time.Now().Add(v.opts.KeyTime), held: &held, most: v.opts.Memory})
	})
	_ = g.Wait() // each key's failure is its answer

	slices.SortFunc(all, func(a, b answer) int { return cmp.Compare(a.key, b.key) })
	var evidence, why []string
	for _, a := range all {
		if a.violation != nil {
			out.Violating = append(out.Violating, a.key)
			if a.explain != nil && len(out.Violating) <= explained {
				a = guardKey(a.key, func() answer { return answer{violation: a.explain()} })
			}
			evidence = append(evidence, a.violation...)
		} else {
			out.Undecided = append(out.Undecided, a.key)
			why = append(why, a.key+": "+a.undecided)
		}
	}
	return []record.Finding{findLinearizable(out, evidence, why)}
}

func findLinearizable(l *record.Linearizable, evidence, why []string) record.Finding {
	f := record.Finding{Check: "linearizable", Evidence: append(evidence[:min(len(evidence), kept)], why[:min(len(why), kept)]...)}
	switch {
	case len(l.Violating) > 0:
		f.Verdict = record.Fail
		f.Description = fmt.Sprintf("%d of %s not linearizable: %s", len(l.Violating), count(l.Keys, "key"), few(l.Violating, 5, strings.Clone))
	case len(l.Undecided) > 0:
		f.Verdict = record.Unknown
		f.Description = fmt.Sprintf("%d of %s undecided, first: %s", len(l.Undecided), count(l.Keys, "key"), why[0])
	case l.Ops == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation to judge"
	default:
		f.Verdict = record.Pass
		f.Description = fmt.Sprintf("%s on %s", count(l.Ops, "operation"), count(l.Keys, "key"))
		if l.StaleReads > 0 {
			f.Description += fmt.Sprintf("; %s left out, as asked for", count(l.StaleReads, "stale read"))
		}
	}
	return f
}

// answer is the verdict on one object: linearizable unless it says otherwise.
type answer struct {
	key       string
	ops       int // judged
	stale     int // left out
	undecided string
	violation []string // evidence
	// explain finds better evidence, at the price of another search; may be nil.
	explain func() []string
}

// explained is how many violations are searched again for what they got stuck
// at. A run in which everything went wrong needs no thousand of them.
const explained = 5

// guardKey keeps what goes wrong on one key from the others.
func guardKey(key string, judge func() answer) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{undecided: fmt.Sprintf("the checker failed: %v", r)}
		}
		a.key = key
	}()
	return judge()
}

// judged says whether an operation takes part: what had no effect does not,
// nor a read without an answer, nor one that asked to be stale.
func judged(op *history.Op) bool {
	switch {
	case op.Outcome == history.Failed, op.Stale:
		return false
	case op.Outcome == history.OK:
		return true
	default:
		return op.Kind.Class() == history.Writes
	}
}

// describe prints an operation with its interval.
func describe(op *history.Op) string {
	var what string
	switch op.Kind {
	case history.Read:
		what = fmt.Sprintf("read %s → %q", op.Key, op.Output)
	case history.CAS:
		what = fmt.Sprintf("cas %s %q→%q", op.Key, op.Expect, op.Value)
		if op.Outcome == history.OK && !op.Applied {
			what += " (refused)"
		}
	case history.SetRead:
		what = fmt.Sprintf("members %s → %s", op.Key, count(len(op.Set), "element"))
	case history.Transfer:
		what = fmt.Sprintf("transfer %d from %s to %s", op.Amount, op.From, op.To)
	case history.Balances:
		what = "balances"
	case history.Consume, history.Messages:
		what = fmt.Sprintf("%s %s → %s", op.Kind, op.Key, count(len(op.Set), "message"))
	default:
		what = fmt.Sprintf("%s %s=%q", op.Kind, op.Key, op.Value)
	}
	who := client(op)
	if op.ReadThrough != "" {
		who = "final through " + string(op.ReadThrough)
	}
	ends := fmt.Sprintf("%.3f s", op.Return.Seconds())
	if op.Outcome == history.Unknown {
		ends = "never answered"
	}
	says := fmt.Sprintf("%s: %.3f s – %s %s by %s", op.Key, op.Call.Seconds(), ends, what, who)
	if op.Node != "" {
		says += ", answered by " + string(op.Node)
	}
	return says
}
