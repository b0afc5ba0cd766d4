package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mcp-resilience/holdfast/history"
)

// around is how many operations before and after the stuck one are shown.
const around = 4

// verboseMost is the longest history that is searched a second time to find
// the operation at which it got stuck: keeping the partial orders costs the
// square of it.
const verboseMost = 2000

// evidence shows a violation: the operation that fits no order, and those
// around it on the register.
func (r *register) evidence(moves []*move, b *budget) []string {
	slices.SortFunc(moves, func(a, b *move) int { return cmp.Compare(a.op.Call, b.op.Call) })
	stuck := r.stuck(moves, b)
	if stuck < 0 {
		return []string{fmt.Sprintf("%s: no order of its %s fits", r.ops[0].Key, count(len(moves), "operation"))}
	}
	m := moves[stuck]
	out := []string{describe(m.op) + " — fits no order of the operations"}
	for _, near := range moves[max(0, stuck-around):min(len(moves), stuck+around+1)] {
		if near != m {
			out = append(out, describe(near.op))
		}
	}
	// The write that a read shows tells most, wherever it is.
	if m.kind == history.Read && m.output != 0 {
		for i, w := range moves {
			if w.value == m.output && w.kind != history.Read && (i < stuck-around || i > stuck+around) {
				out = append(out, describe(w.op)+" — wrote what it read")
			}
		}
	}
	return out
}

// stuck is the first operation to return that is in no longest partial order;
// -1 when that cannot be told.
func (r *register) stuck(moves []*move, b *budget) int {
	if len(moves) > verboseMost {
		return -1
	}
	again := &budget{ctx: b.ctx, until: time.Now().Add(time.Second), held: b.held, most: b.most}
	defer again.free()
	_, info := porcupine.CheckOperationsVerbose(r.model(len(moves), again), operations(moves), 0)
	var longest []int
	for _, partials := range info.PartialLinearizations() {
		for _, p := range partials {
			if len(p) > len(longest) {
				longest = p
			}
		}
	}
	placed := make([]bool, len(moves))
	for _, id := range longest {
		placed[id] = true
	}
	first := -1
	for i, m := range moves {
		if !placed[i] && (first < 0 || m.ret < moves[first].ret) {
			first = i
		}
	}
	return first
}
