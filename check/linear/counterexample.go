package linear

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// counterexample describes the operation that cannot be linearized, the write whose value it
// observed, and an operation between the two that contradicts it: three lines at most. Values are
// all that the register can have held when the operation returned; it is empty where they are not known.
func (r *register) counterexample(o *linearOp, values []int32) []string {
	line := format.Operation(o.op) + " — fits no order of the operations"
	if held := r.nameAll(values); held != "" {
		line += "; it can have held only " + held
	}
	if o.kind == history.Write {
		return []string{line}
	}
	observed := o.output
	if o.kind == history.CAS {
		observed = o.expect
	}
	source, count := r.lastWriter(o, observed)
	switch {
	case source == nil && observed != 0:
		line += "; nothing called before its return can have written the value"
	case source == nil && o.mismatched():
		return []string{line}
	}
	out := []string{line}
	if source != nil {
		wrote := " — wrote the value that was read"
		if o.kind == history.CAS {
			wrote = " — wrote the value that it expects"
		}
		if count > 1 {
			wrote += fmt.Sprintf("; the last of %d writes of it", count)
		}
		out = append(out, format.Operation(source)+wrote)
	}
	if between := r.lastOther(o, observed, source); between != nil && !o.mismatched() {
		out = append(out, format.Operation(between)+" — had returned before, and left another value")
	}
	return out
}

// nameAll lists values for a message. It returns "" where there are none, or so many that the list is incomplete.
func (r *register) nameAll(values []int32) string {
	if len(values) == 0 || len(values) >= maxFurthestValues {
		return ""
	}
	names := make([]string, len(r.values))
	for name, n := range r.values {
		names[n] = name
	}
	var known []string
	others := false
	for _, n := range values {
		if int(n) < len(names) {
			known = append(known, fmt.Sprintf("%q", names[n]))
		} else {
			others = true
		}
	}
	if others {
		known = append(known, "a value that nobody read")
	}
	return format.List(known, 5, func(s string) string { return s })
}

// lastWriter returns, of the operations that can have written a value before o returned, the one
// called last, and how many they are.
func (r *register) lastWriter(o *linearOp, value int32) (last *history.Op, count int) {
	for _, w := range r.ops {
		if w == o.op || w.Call > o.op.Return || !mayWrite(w) || r.values[w.Value] != value {
			continue
		}
		count++
		if last == nil || w.Call > last.Call {
			last = w
		}
	}
	return last, count
}

// lastOther returns the operation called last of those that returned before o was called and
// wrote or read another value than the one that o observed. It prefers a write that followed
// source, the write that o observed.
func (r *register) lastOther(o *linearOp, value int32, source *history.Op) *history.Op {
	var write, other *history.Op
	for _, w := range r.ops {
		if w.Outcome != history.OK || w.Return >= o.op.Call || w.Kind == history.CAS && !w.Applied {
			continue
		}
		left := w.Value
		if w.Kind == history.Read {
			left = w.Output
		}
		if r.values[left] == value {
			continue
		}
		if other == nil || w.Call > other.Call {
			other = w
		}
		after := source == nil || source.Outcome == history.OK && w.Call > source.Return
		if w.Kind != history.Read && after && (write == nil || w.Call > write.Call) {
			write = w
		}
	}
	if write != nil {
		return write
	}
	return other
}

// mayWrite reports whether an operation can have changed the register.
func mayWrite(op *history.Op) bool {
	return op.Kind != history.Read && !(op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied)
}
