package check

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// finals are the last successful final reads of one object, by node: a node
// that is polled until it has caught up is judged by what it said in the end.
type finals struct {
	by     map[topology.NodeID]*history.Op
	failed map[topology.NodeID]string // why the last attempt failed, of those that did
	last   *history.Op
}

func (f *finals) note(op *history.Op, t *tally) {
	if f.by == nil {
		f.by, f.failed = map[topology.NodeID]*history.Op{}, map[topology.NodeID]string{}
	}
	t.finalReads++
	if op.Outcome != history.OK {
		f.failed[op.ReadThrough] = op.Error
		return
	}
	if old := f.by[op.ReadThrough]; old == nil || op.Call >= old.Call {
		f.by[op.ReadThrough] = op
	}
	if f.last == nil || op.Call >= f.last.Call {
		f.last = op
	}
}

// complete says whether every node answered; if not it notes which did not.
func (f *finals) complete(nodes []topology.NodeID, key string, t *tally) bool {
	var missing []topology.NodeID
	why := ""
	for n := range f.failed {
		if f.by[n] == nil {
			t.finalFailed++
		}
	}
	for _, n := range nodes {
		if f.by[n] == nil {
			missing = append(missing, n)
			if e := f.failed[n]; e != "" && why == "" {
				why = " (" + e + ")"
			}
		}
	}
	if len(missing) == 0 && len(nodes) > 0 {
		return true
	}
	if t.attempted > 0 {
		t.unread = append(t.unread, dated{0, fmt.Sprintf("%s through %s%s", key, nodeList(missing), why)})
	}
	return false
}
