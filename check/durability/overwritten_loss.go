package durability

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// observation is an operation whose answer shows what a register held: a read, or a compare-and-set that
// was applied and so found the value that it expects.
type observation struct {
	op    *history.Op
	value string
}

func observations(ops []*history.Op) []observation {
	var out []observation
	for _, op := range ops {
		switch {
		case op.Outcome != history.OK || op.Stale:
		case op.Kind == history.Read:
			out = append(out, observation{op, op.Output})
		case op.Kind == history.CAS && op.Applied:
			out = append(out, observation{op, op.Expect})
		}
	}
	return out
}

// overwrittenRegister finds the writes to a register that were gone before a later one overwrote them, and
// counts the writes whose loss would show: those that a later operation observed, and those that are lost.
func (j *judge) overwrittenRegister(t *tally, k keyindex.Key, w *registerWrites) {
	all := observations(k.Ops)
	lastObserved := make(map[string]time.Duration, len(all)) // by value: when it was last observed
	judged := map[*history.Op]bool{}
	for _, s := range all {
		lastObserved[s.value] = max(lastObserved[s.value], s.op.Return)
		if by := w.writer[s.value]; by != nil && by.Outcome == history.OK && s.op.Call >= by.Return {
			judged[by] = true
		}
	}
	lost := map[int64]bool{}
	for i := range t.lost {
		lost[t.lost[i].Op.ID] = true
	}
	for _, s := range all {
		m := w.missed(s.value, s.op.Call)
		// A write that a later operation observed was not lost: this observation was stale, or was made on
		// a side of a partition whose data were discarded.
		if m == nil || lost[m.ID] || w.writer[m.Value] != m || lastObserved[m.Value] >= s.op.Call || !j.provesLoss(s.op, m) {
			continue
		}
		lost[m.ID] = true
		t.lost = append(t.lost, record.LostWrite{
			Op: *m, Position: position(j.run.Faults, m.Return),
			Proof: fmt.Sprintf("%s found %q, which is older", describeObservation(s.op), s.value),
		})
	}
	for _, op := range w.acked {
		if judged[op] || lost[op.ID] {
			j.countJudged(t, op)
		}
	}
}

func describeObservation(op *history.Op) string {
	s := fmt.Sprintf("a %s by %s at %s", op.Kind, format.Client(op), duration.Format(op.Call))
	if op.Node != "" {
		s += ", answered by " + string(op.Node) + ","
	}
	return s
}

// provesLoss reports whether an operation that found an older value than a write left proves that the write
// was lost. A read alone does not: the node that answered may lag behind, and then the read was
// stale. A compare-and-set that was applied has changed the register on top of the older value, so
// no order of the operations has both it and the write. The same holds for a read whose place in the system's
// total order is not before the write's. Neither proves anything on a side that had no quorum,
// because the data of that side may be discarded.
func (j *judge) provesLoss(by, write *history.Op) bool {
	if by.Final || by.Term < write.Term {
		return false
	}
	if _, cutOff := j.run.Quorum.Answered(by.Region, by.Node, by.Call, by.Return); cutOff {
		return false
	}
	return by.Kind == history.CAS || write.Revision > 0 && by.Revision >= write.Revision
}

// forgetLost removes lost writes, so that a read which misses them is not reported as stale.
func (w *registerWrites) forgetLost(lost []record.LostWrite) {
	if len(lost) == 0 {
		return
	}
	gone := map[int64]bool{}
	for i := range lost {
		gone[lost[i].Op.ID] = true
	}
	w.acked = slices.DeleteFunc(w.acked, func(op *history.Op) bool { return gone[op.ID] })
	w.latest = nil
	w.sort()
}
