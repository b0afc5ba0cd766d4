package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// writes are the attempts on one register that may have changed it.
type writes struct {
	acked []*history.Op // acknowledged, by Return
	// latest[i] is the one of acked[:i+1] that was called last.
	latest []*history.Op
	// of gives the attempt that wrote a value; nil for a value that several wrote.
	of map[string]*history.Op
}

// newest returns, of the writes acknowledged before an instant, the one
// called last.
func (w *writes) newest(before time.Duration) *history.Op {
	i, _ := slices.BinarySearchFunc(w.acked, before, func(op *history.Op, t time.Duration) int {
		if op.Return < t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return nil
	}
	return w.latest[i-1]
}

// missed returns an acknowledged write that a read of value, called at some
// instant, must have come after and yet does not show: it was called after the
// read value's own write had ended. A value whose write was not answered may
// have been written at any later time, so it proves nothing.
func (w *writes) missed(value string, called time.Duration) *history.Op {
	newest := w.newest(called)
	if newest == nil || newest.Value == value {
		return nil
	}
	if value == "" {
		return newest
	}
	by, known := w.of[value]
	if !known || by == nil || by.Outcome != history.OK || by.Return >= newest.Call {
		return nil
	}
	return newest
}

// registerTally judges what became of one register.
func registerTally(v *view, nodes []topology.NodeID, o object) (t tally) {
	var (
		w     = writes{of: map[string]*history.Op{}}
		reads []*history.Op
		last  finals
	)
	for _, i := range o.ops {
		op := &v.run.Ops[i]
		switch {
		case op.Kind == history.Read && op.Final:
			last.note(op, &t)
		case op.Kind == history.Read && op.Outcome == history.OK && !op.Stale:
			reads = append(reads, op)
		case op.Kind == history.Read:
		case op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied:
			// An answer, but not a write.
		default:
			t.count(v, op)
			if _, known := w.of[op.Value]; known {
				w.of[op.Value] = nil
			} else {
				w.of[op.Value] = op
			}
			if op.Outcome == history.OK {
				w.acked = append(w.acked, op)
			}
		}
	}
	slices.SortFunc(w.acked, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	for _, op := range w.acked {
		newest := op
		if n := len(w.latest); n > 0 && w.latest[n-1].Call > op.Call {
			newest = w.latest[n-1]
		}
		w.latest = append(w.latest, newest)
	}
	t.finalRegister(v, nodes, o, &w, &last)
	for _, op := range reads {
		t.phantomRead(op, &w)
		if m := w.missed(op.Output, op.Call); m != nil {
			t.stale = append(t.stale, dated{op.Call, fmt.Sprintf("%s read by %s at %s gave %q and missed %q, acknowledged %s before",
				op.Key, client(op), seconds(op.Call), op.Output, m.Value, seconds(op.Call-m.Return))})
		}
	}
	return t
}

// finalRegister judges the final reads. The last acknowledged write of a
// register is lost when every node ends with a value that was written before
// it; earlier ones were superseded, and count neither as lost nor as kept.
func (t *tally) finalRegister(v *view, nodes []topology.NodeID, o object, w *writes, last *finals) {
	complete := last.complete(nodes, o.key, t)
	var (
		values    []string
		holders   = map[string][]topology.NodeID{}
		lost      *history.Op
		lostByAll = complete
	)
	for _, n := range nodes {
		op := last.by[n]
		if op == nil {
			continue
		}
		if holders[op.Output] == nil {
			values = append(values, op.Output)
			t.phantomRead(op, w)
			if by := w.of[op.Output]; by != nil && by.Outcome == history.Unknown {
				t.recovered++
			}
		}
		holders[op.Output] = append(holders[op.Output], n)
		if m := w.missed(op.Output, op.Call); m != nil {
			lost = m
		} else {
			lostByAll = false
		}
	}
	if lost != nil && lostByAll {
		t.lost = append(t.lost, record.LostWrite{Op: *lost, Position: v.position(lost.Return), Missing: nodes})
		v.seen(o, t.lost)
	}
	if len(values) > 1 {
		t.diverged = append(t.diverged, dated{last.last.Call, o.key + " is " + few(values, 5, func(s string) string {
			return fmt.Sprintf("%q on %s", s, nodeList(holders[s]))
		})})
	}
}

// phantomRead notes a read of a value that nobody wrote, or whose write is
// proved to have had no effect.
func (t *tally) phantomRead(op *history.Op, w *writes) {
	if op.Output == "" {
		return
	}
	by, known := w.of[op.Output]
	on := ""
	if op.ReadThrough != "" {
		on = " on " + string(op.ReadThrough)
	}
	switch {
	case !known:
		t.phantoms = append(t.phantoms, dated{op.Call, fmt.Sprintf("%s reads %q%s, which nobody wrote", op.Key, op.Output, on)})
	case by != nil && by.Outcome == history.Failed:
		t.phantoms = append(t.phantoms, dated{by.Call, witness(by) + ", and was read" + on})
	}
}
