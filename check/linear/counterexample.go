package linear

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// counterexample names the operation that fits no order, the write that it saw, and what came
// between: three lines at most. Values are all that the register can have held when
// the operation returned, where that is known.
func (r *register) counterexample(culprit *linearOp, values []int32) []string {
	o := culprit
	line := format.Operation(o.op) + " — fits no order of the operations"
	if held := r.nameAll(values); held != "" {
		line += "; it can have held only " + held
	}
	if o.kind == history.Write {
		return []string{line}
	}
	shown := o.output
	if o.kind == history.CAS {
		shown = o.expect
	}
	source, count := r.lastWriter(o, shown)
	switch {
	case source == nil && shown != 0:
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
	if between := r.lastOther(o, shown, source); between != nil && !o.mismatched() {
		out = append(out, format.Operation(between)+" — had returned before, and left another value")
	}
	return out
}

// nameAll lists values, or returns "" where that says nothing.
func (r *register) nameAll(values []int32) string {
	if len(values) == 0 || len(values) >= maxValues {
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

// lastWriter is the operation called last of those that can have written a value before
// o returned, and how many there are.
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

// lastOther is the operation called last of those that had returned when o was called
// and left, or found, another value than the one that o found: a write that came after the
// source, else anything.
func (r *register) lastOther(o *linearOp, value int32, source *history.Op) *history.Op {
	var write, any *history.Op
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
		if any == nil || w.Call > any.Call {
			any = w
		}
		after := source == nil || source.Outcome == history.OK && w.Call > source.Return
		if w.Kind != history.Read && after && (write == nil || w.Call > write.Call) {
			write = w
		}
	}
	if write != nil {
		return write
	}
	return any
}

// mayWrite reports whether an operation can have changed the register.
func mayWrite(op *history.Op) bool {
	return op.Kind != history.Read && !(op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied)
}
