package linear

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/history"
)

// Visualize writes Porcupine's interactive HTML chart of the operations on one
// register: each operation's interval, and the longest partial linearizations that were found.
// The operations must all be on the same key and be reads, writes or compare-and-sets. It
// fails for more than 2,000 operations, because the search for the chart takes quadratic time.
func Visualize(ctx context.Context, w io.Writer, ops []history.Op) error {
	pointers := make([]*history.Op, len(ops))
	for i := range ops {
		pointers[i] = &ops[i]
	}
	return VisualizeKey(ctx, w, pointers)
}

// VisualizeKey is Visualize for operations that are grouped by key already.
func VisualizeKey(ctx context.Context, w io.Writer, ops []*history.Op) error {
	r := newRegister("", ops, &keyResult{})
	if len(r.ops) > maxVerbose {
		return fmt.Errorf("visualize a register: it has %d operations, more than %d", len(r.ops), maxVerbose)
	}
	all := r.linearOps(r.hasMismatch) // only a mismatched compare-and-set can prove an unanswered write whose value nobody observed
	slices.SortFunc(all, func(a, b *linearOp) int { return cmp.Compare(a.op.Call, b.op.Call) })
	var held atomic.Int64
	b := &budget{ctx: ctx, deadline: time.Now().Add(verboseTime), held: &held, limit: Options{}.resolve().Memory}
	model := r.model(len(all), b)
	_, info := porcupine.CheckOperationsVerbose(model, chartOps(all), 0)
	if err := porcupine.Visualize(model, info, w); err != nil {
		return fmt.Errorf("visualize a register: %w", err)
	}
	return nil
}

// chartOps distributes the operations, sorted by call, over rows in which none overlap, because a client
// may have several in flight. An unanswered operation ends where the chart ends.
func chartOps(ops []*linearOp) []porcupine.Operation {
	out := porcupineOps(ops)
	var end int64
	for i, o := range ops {
		end = max(end, out[i].Call, int64(o.op.Return))
	}
	var rows []int64 // the end of each
	for i := range out {
		out[i].Return = min(out[i].Return, end+1)
		row := slices.IndexFunc(rows, func(busyUntil int64) bool { return busyUntil < out[i].Call })
		if row < 0 {
			row = len(rows)
			rows = append(rows, 0)
		}
		rows[row], out[i].ClientId = out[i].Return, row
	}
	return out
}

// maxVerbose is the most operations for which a chart is made: Porcupine's partial linearizations
// take time and memory quadratic in their number.
const maxVerbose = 2000

// verboseTime is how long the search for a chart may take. It changes no verdict: the register has been decided before.
const verboseTime = time.Second
