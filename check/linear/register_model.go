package linear

import (
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// linearOp is one operation on a register, with its values as numbers.
type linearOp struct {
	op            *history.Op
	kind          history.Kind
	value, expect int32 // that it writes, and that a compare-and-set expects
	output        int32 // that a read returned
	answered      bool
	applied       bool          // of an answered compare-and-set: it found the value that it expects
	ret           time.Duration // when it must have taken effect at the latest
}

// apply is the sequential specification of the register: it reports whether the operation's answer
// is right for the state, and the state after it.
func (o *linearOp) apply(state int32) (ok bool, next int32) {
	switch o.kind {
	case history.Read:
		return o.output == state, state
	case history.CAS:
		matches := o.expect == state
		if o.answered && o.applied != matches {
			return false, state
		}
		if matches {
			return true, o.value
		}
		return true, state
	default:
		return true, o.value
	}
}

// mismatched reports whether the operation is a compare-and-set that found another value than it expects.
func (o *linearOp) mismatched() bool { return o.kind == history.CAS && o.answered && !o.applied }

// changesNothing reports whether the operation leaves the register as it was.
func (o *linearOp) changesNothing() bool {
	return o.kind == history.Read || o.mismatched()
}

// shownValue is the value that the register held when the operation took effect, as its answer
// shows; 0 where the answer shows none.
func (o *linearOp) shownValue() int32 {
	switch {
	case o.kind == history.Read:
		return o.output
	case o.kind == history.CAS && o.applied:
		return o.expect
	default:
		return 0
	}
}

// model is Porcupine's model of the register, for a search over n operations.
func (r *register) model(n int, b *budget) porcupine.Model {
	// The states are boxed once, because a search returns states millions of times.
	states := make([]any, len(r.values))
	for i := range states {
		states[i] = int32(i)
	}
	return porcupine.Model{
		Init: func() any { return states[0] },
		// Once the budget is exhausted every step is rejected, which ends the search.
		Step: func(state, input, _ any) (bool, any) {
			if !b.step() {
				return false, state
			}
			ok, next := input.(*linearOp).apply(state.(int32))
			if !ok || !b.remember(bytesPerState+int64(n/8)) {
				return false, state
			}
			return true, states[next]
		},
		Equal:             func(a, b any) bool { return a.(int32) == b.(int32) },
		Hash:              func(s any) uint64 { return uint64(uint32(s.(int32))) * 0x9e3779b97f4a7c15 },
		DescribeOperation: func(input, _ any) string { return describeForChart(input.(*linearOp).op) },
		DescribeState:     r.describeState(),
	}
}

// describeState prints the value that a state stands for.
func (r *register) describeState() func(any) string {
	var names []string // made at the first call: only a visualization calls this
	return func(state any) string {
		if names == nil {
			names = make([]string, len(r.values))
			for name, n := range r.values {
				names[n] = name
			}
		}
		if n := state.(int32); n != 0 {
			return names[n]
		}
		return "(empty)"
	}
}

func describeForChart(op *history.Op) string {
	s := format.Request(op) + " by " + format.Client(op)
	if op.Outcome == history.Unknown {
		s += " (no answer)"
	}
	return s
}

func porcupineOps(ops []*linearOp) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		out[i] = porcupine.Operation{Input: o, Call: int64(o.op.Call), Return: int64(max(o.ret, o.op.Call))}
	}
	return out
}
