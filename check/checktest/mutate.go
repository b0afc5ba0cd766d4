package checktest

import (
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Pick returns the place of the nth operation that fits.
func Pick(t *testing.T, r *record.Run, n int, fits func(*history.Op) bool) int {
	t.Helper()
	for i := range r.Ops {
		if fits(&r.Ops[i]) {
			if n == 0 {
				return i
			}
			n--
		}
	}
	t.Fatal("no such operation")
	return -1
}

// IsAdd reports whether an operation is an acknowledged add.
func IsAdd(op *history.Op) bool { return op.Kind == history.Add && op.Outcome == history.OK }

// Without takes a value out of the final reads of a set through some nodes.
func Without(r *record.Run, key, value string, nodes ...topology.NodeID) {
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Final && op.Key == key && (len(nodes) == 0 || slices.Contains(nodes, op.ReadThrough)) {
			op.Set = slices.DeleteFunc(slices.Clone(op.Set), func(s string) bool { return s == value })
		}
	}
}

// FinalReads calls change for each final read that fits.
func FinalReads(r *record.Run, kind history.Kind, through topology.NodeID, change func(*history.Op)) {
	for i := range r.Ops {
		if op := &r.Ops[i]; op.Final && op.Kind == kind && (through == "" || op.ReadThrough == through) {
			change(op)
		}
	}
}

// Fail takes the answer of an operation away.
func Fail(op *history.Op) {
	op.Outcome, op.Error, op.Set, op.Output = history.Unknown, "deadline exceeded", nil, ""
}

// Stall is a Lab.Down in which operations due in [from, to) get no answer.
func Stall(from, to time.Duration) func(topology.Region, history.Class, time.Duration) bool {
	return func(_ topology.Region, _ history.Class, due time.Duration) bool { return due >= from && due < to }
}

// Only limits an outage to one series.
func Only(region topology.Region, class history.Class, down func(topology.Region, history.Class, time.Duration) bool) func(topology.Region, history.Class, time.Duration) bool {
	return func(r topology.Region, c history.Class, due time.Duration) bool {
		return r == region && c == class && down(r, c, due)
	}
}

// Drop removes load that was due in a stretch.
func Drop(r *record.Run, from, to time.Duration, which func(i int) bool) {
	rest := r.Ops[:0]
	for i, op := range r.Ops {
		if op.Final || op.Intended < from || op.Intended >= to || !which(i/6) {
			rest = append(rest, op)
		}
	}
	r.Ops = rest
}
