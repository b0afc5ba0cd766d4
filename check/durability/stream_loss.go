package durability

import (
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
)

// stream judges what became of one stream: its messages as the elements
// of a set, and in the same order on every node.
func (j *judge) stream(k keyindex.Key) *tally {
	t := j.set(k)
	final := k.FinalReads()
	for _, n := range j.nodes {
		first, op := final.By[j.nodes[0]], final.By[n]
		if first == nil || op == nil || len(first.Set) != len(op.Set) || slices.Equal(first.Set, op.Set) {
			continue // one that misses something has been noted by set
		}
		for i := range op.Set {
			if op.Set[i] != first.Set[i] {
				t.diverged = append(t.diverged, timestamped{at: op.Call, text: fmt.Sprintf("message %d of %s is %s on %s and %s on %s",
					i+1, k.Name, first.Set[i], j.nodes[0], op.Set[i], n)})
				break
			}
		}
	}
	return t
}

// bank notes final balances that differ between nodes, and transfers that were acknowledged
// without a quorum. Whether transfers were lost is judged by the check "accounts".
func (j *judge) bank(k keyindex.Key) *tally {
	t := &tally{}
	for _, op := range k.Ops {
		if op.Kind == history.Transfer && op.Outcome == history.OK {
			j.noteSplitBrain(t, op)
		}
	}
	final := k.FinalReads()
	t.finalReads = final.Attempts
	for _, n := range j.nodes {
		op, first := final.By[n], final.By[j.nodes[0]]
		if op != nil && first != nil && !slices.Equal(slices.Sorted(slices.Values(op.Set)), slices.Sorted(slices.Values(first.Set))) {
			t.diverged = append(t.diverged, timestamped{at: op.Call, text: fmt.Sprintf("the balances of %s on %s differ from those on %s", k.Name, n, j.nodes[0])})
		}
	}
	return t
}
