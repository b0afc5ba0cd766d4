package linear

import (
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// linearOp is one operation on a register in the form that Porcupine takes.
type linearOp struct {
	op            *history.Op
	kind          history.Kind
	value, expect int32
	output        int32
	answered      bool
	applied       bool
	ret           time.Duration
}

// apply is the sequential register: what state the operation leads to, and
// whether its answer is the one that it would get there.
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

// model is the register as Porcupine takes it, for a search over n operations.
func (r *register) model(n int, b *budget) porcupine.Model {
	// Boxed once: the search asks for states millions of times.
	states := make([]any, len(r.values))
	for i := range states {
		states[i] = int32(i)
	}
	return porcupine.Model{
		Init: func() any { return states[0] },
		// When the budget is exhausted every step is rejected, so the search runs out of steps and ends.
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

// describeState prints a state as the value that it stands for.
func (r *register) describeState() func(any) string {
	var names []string // made when first asked for, which only the visualization does
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
