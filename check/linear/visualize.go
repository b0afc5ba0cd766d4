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
// register: each on its interval, with the longest orders that were found and where
// they end. Operations on other keys, or of kinds that are not a register's, must
// be left out before. It fails for more than 2,000 operations, since the search for
// the chart costs the square of them.
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
	all := r.linearOps(r.hasMismatch) // only a refused compare-and-set can prove a write that nobody saw
	slices.SortFunc(all, func(a, b *linearOp) int { return cmp.Compare(a.op.Call, b.op.Call) })
	var held atomic.Int64
	b := &budget{ctx: ctx, until: time.Now().Add(verboseTime), held: &held, limit: Options{}.resolve().Memory}
	model := r.model(len(all), b)
	_, info := porcupine.CheckOperationsVerbose(model, chartOps(all), 0)
	if err := porcupine.Visualize(model, info, w); err != nil {
		return fmt.Errorf("visualize a register: %w", err)
	}
	return nil
}

// chartOps lays the operations, sorted by call, on rows in which none overlap: a client may have
// several under way. What has no answer ends where the chart does.
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

// maxVerbose is the longest history of a register of which a chart is made: Porcupine's partial
// orders cost the square of its length.
const maxVerbose = 2000

// verboseTime is how long the search for a chart may take. It decides nothing.
const verboseTime = time.Second
