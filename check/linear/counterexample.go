package linear

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/history"
)

// around is how many operations before and after the one that fits no order are shown.
const around = 4

// maxVerbose is the longest history of a register that is searched with
// Porcupine's partial orders kept: they cost the square of its length.
const maxVerbose = 2000

// counterexample shows a violation: the operation that fits no order, and those
// around it on the register.
func (r *register) counterexample(ops []*linearOp, b *budget) []string {
	slices.SortFunc(ops, func(a, b *linearOp) int { return cmp.Compare(a.op.Call, b.op.Call) })
	culprit := r.firstUnplaced(ops, b)
	if culprit < 0 {
		return []string{fmt.Sprintf("%s: no order of its %s fits", r.key, format.Count(len(ops), "operation"))}
	}
	o := ops[culprit]
	out := []string{format.Operation(o.op) + " — fits no order of the operations"}
	for _, near := range ops[max(0, culprit-around):min(len(ops), culprit+around+1)] {
		if near != o {
			out = append(out, format.Operation(near.op))
		}
	}
	// The write of the value that a read shows says most, wherever it is.
	if o.kind == history.Read && o.output != 0 {
		for i, w := range ops {
			if w.value == o.output && w.kind != history.Read && (i < culprit-around || i > culprit+around) {
				out = append(out, format.Operation(w.op)+" — wrote the value that was read")
			}
		}
	}
	return out
}

// firstUnplaced is the first operation to return that is in no longest partial order;
// -1 when that cannot be found out.
func (r *register) firstUnplaced(ops []*linearOp, b *budget) int {
	if len(ops) > maxVerbose {
		return -1
	}
	again := &budget{ctx: b.ctx, until: time.Now().Add(verboseTime), held: b.held, limit: b.limit}
	defer again.free()
	_, info := porcupine.CheckOperationsVerbose(r.model(len(ops), again), porcupineOps(ops), 0)
	var longest []int
	for _, partials := range info.PartialLinearizations() {
		for _, p := range partials {
			if len(p) > len(longest) {
				longest = p
			}
		}
	}
	placed := make([]bool, len(ops))
	for _, id := range longest {
		placed[id] = true
	}
	first := -1
	for i, o := range ops {
		if !placed[i] && (first < 0 || o.ret < ops[first].ret) {
			first = i
		}
	}
	return first
}

// verboseTime is how long a search may take that only makes a violation easier to understand.
const verboseTime = time.Second
