package check

import (
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// streamTally judges what became of one stream: its messages as the elements
// of a set, and in the same order on every node.
func streamTally(v *view, nodes []topology.NodeID, o object) tally {
	t := setTally(v, nodes, o)
	ends := streamEnds(v, o)
	for _, n := range nodes {
		first, op := ends[nodes[0]], ends[n]
		if first == nil || op == nil || len(first.Set) != len(op.Set) || slices.Equal(first.Set, op.Set) {
			continue // one that misses something has been told of
		}
		for i := range op.Set {
			if op.Set[i] != first.Set[i] {
				t.diverged = append(t.diverged, dated{op.Call, fmt.Sprintf("message %d of %s is %s on %s and %s on %s",
					i+1, o.key, first.Set[i], nodes[0], op.Set[i], n)})
				break
			}
		}
	}
	return t
}

// streamEnds is the last successful final read of a stream through each node.
func streamEnds(v *view, o object) map[topology.NodeID]*history.Op {
	var last finals
	for _, i := range o.ops {
		if op := &v.run.Ops[i]; op.Final && op.Kind == history.Messages {
			last.note(op, &tally{})
		}
	}
	return last.by
}
