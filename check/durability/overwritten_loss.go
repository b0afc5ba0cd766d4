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

// sighting is an operation that shows what a register held: a read, or a compare-and-set that was applied
// and so held what it expected.
type sighting struct {
	op    *history.Op
	value string
}

func sightings(ops []*history.Op) []sighting {
	var out []sighting
	for _, op := range ops {
		switch {
		case op.Outcome != history.OK || op.Stale:
		case op.Kind == history.Read:
			out = append(out, sighting{op, op.Output})
		case op.Kind == history.CAS && op.Applied:
			out = append(out, sighting{op, op.Expect})
		}
	}
	return out
}

// overwrittenRegister finds the writes to a register that were gone before a later one overwrote them, and
// counts the writes whose loss would show: those that a later operation shows, and those that are lost.
func (j *judge) overwrittenRegister(t *tally, k keyindex.Key, w *registerWrites) {
	all := sightings(k.Ops)
	lastSeen := make(map[string]time.Duration, len(all)) // by value, when it was last shown
	judged := map[*history.Op]bool{}
	for _, s := range all {
		lastSeen[s.value] = max(lastSeen[s.value], s.op.Return)
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
		// What is shown again was not lost: the sighting was stale, or its side lost the argument.
		if m == nil || lost[m.ID] || w.writer[m.Value] != m || lastSeen[m.Value] >= s.op.Call || !j.provesLoss(s.op, m) {
			continue
		}
		lost[m.ID] = true
		t.lost = append(t.lost, record.LostWrite{
			Op: *m, Position: position(j.run.Faults, m.Return),
			Proof: fmt.Sprintf("%s found %q, which is older", describeSighting(s.op), s.value),
		})
	}
	for _, op := range w.acked {
		if judged[op] || lost[op.ID] {
			j.countJudged(t, op)
		}
	}
}

func describeSighting(op *history.Op) string {
	s := fmt.Sprintf("a %s by %s at %s", op.Kind, format.Client(op), duration.Format(op.Call))
	if op.Node != "" {
		s += ", answered by " + string(op.Node) + ","
	}
	return s
}

// provesLoss reports whether an operation that found an older value than a write left proves that the write
// was lost. A read alone does not: the node that answered may lag behind, and then the read was
// stale. A compare-and-set that was applied has changed the register on top of the older value, so
// the write is in no history that has it. So has a read at a place of the system's total order
// that is not before the write's. Neither proves anything on a side that had no quorum,
// because what that side holds may be discarded.
func (j *judge) provesLoss(by, write *history.Op) bool {
	if by.Final || by.Term < write.Term {
		return false
	}
	if _, cutOff := j.run.Quorum.Answered(by.Region, by.Node, by.Call, by.Return); cutOff {
		return false
	}
	return by.Kind == history.CAS || write.Revision > 0 && by.Revision >= write.Revision
}

// forgetLost takes lost writes out, so that a read is not called stale for missing them.
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
