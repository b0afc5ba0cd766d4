package durability

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// registerWrites are the attempts on one register that may have changed it.
type registerWrites struct {
	acked []*history.Op // acknowledged, by Return
	// latest[i] is the one of acked[:i+1] that was called last.
	latest []*history.Op
	// writer gives the attempt that wrote a value; nil for a value that several wrote.
	writer map[string]*history.Op
}

func (w *registerWrites) attempt(op *history.Op) {
	if _, known := w.writer[op.Value]; known {
		w.writer[op.Value] = nil
	} else {
		w.writer[op.Value] = op
	}
	if op.Outcome == history.OK {
		w.acked = append(w.acked, op)
	}
}

func (w *registerWrites) sort() {
	slices.SortFunc(w.acked, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	for _, op := range w.acked {
		newest := op
		if n := len(w.latest); n > 0 && w.latest[n-1].Call > op.Call {
			newest = w.latest[n-1]
		}
		w.latest = append(w.latest, newest)
	}
}

// newest returns, of the writes acknowledged before an instant, the one
// called last; nil if there is none.
func (w *registerWrites) newest(before time.Duration) *history.Op {
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
func (w *registerWrites) missed(value string, called time.Duration) *history.Op {
	newest := w.newest(called)
	if newest == nil || newest.Value == value {
		return nil
	}
	if value == "" {
		return newest
	}
	by, known := w.writer[value]
	if !known || by == nil || by.Outcome != history.OK || by.Return >= newest.Call {
		return nil
	}
	return newest
}

// oldestMissed is when the first write was acknowledged that a stale read of value does not show, which may
// be long before the newest one.
func (w *registerWrites) oldestMissed(value string) time.Duration {
	from := time.Duration(-1)
	if by := w.writer[value]; value != "" && by != nil {
		from = by.Return
	}
	oldest := record.Forever
	for _, op := range w.writer {
		if op != nil && op.Outcome == history.OK && op.Call > from && op.Return < oldest {
			oldest = op.Return
		}
	}
	return oldest
}

// register judges what became of one register.
func (j *judge) register(k keyindex.Key) *tally {
	var (
		t     = &tally{}
		w     = registerWrites{writer: map[string]*history.Op{}}
		reads []*history.Op
	)
	for _, op := range k.Ops {
		switch {
		case op.Kind == history.Read:
			if !op.Final && op.Outcome == history.OK && !op.Stale {
				reads = append(reads, op)
			}
		case op.Kind == history.CAS && op.Outcome == history.OK && !op.Applied:
			// It was answered, and wrote nothing.
		default:
			j.countWrite(t, op)
			w.attempt(op)
		}
	}
	w.sort()
	j.finalRegister(t, k, &w)
	j.overwrittenRegister(t, k, &w)
	setHolders(k.Ops, t.lost)
	w.forgetLost(t.lost)
	for _, op := range reads {
		t.phantomRead(op, &w)
		if m := w.missed(op.Output, op.Call); m != nil {
			t.stale = append(t.stale, timestamped{at: op.Call, age: op.Call - w.oldestMissed(op.Output), text: fmt.Sprintf("%s read by %s at %s returned %q and missed %q, acknowledged %s before",
				op.Key, format.Client(op), duration.Format(op.Call), op.Output, m.Value, duration.Format(op.Call-m.Return))})
		}
	}
	return t
}

// finalRegister judges the final reads. The last acknowledged write of a
// register is lost when every node ends with a value that was written before
// it; whether earlier ones were lost is judged by overwrittenRegister.
func (j *judge) finalRegister(t *tally, k keyindex.Key, w *registerWrites) {
	final := k.FinalReads()
	complete := j.complete(t, k.Name, &final)
	var (
		values    []string
		holders   = map[string][]topology.NodeID{}
		lost      *history.Op
		lostByAll = complete
	)
	for _, n := range j.nodes {
		op := final.By[n]
		if op == nil {
			continue
		}
		if holders[op.Output] == nil {
			values = append(values, op.Output)
			t.phantomRead(op, w)
			if by := w.writer[op.Output]; by != nil && by.Outcome == history.Unknown {
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
		t.lost = append(t.lost, record.LostWrite{Op: *lost, Position: position(j.run.Faults, lost.Return), Missing: j.nodes})
	}
	if len(values) > 1 {
		t.diverged = append(t.diverged, timestamped{at: final.Last.Call, text: k.Name + " is " + format.List(values, 5, func(s string) string {
			return fmt.Sprintf("%q on %s", s, format.Nodes(holders[s]))
		})})
	}
}

// phantomRead notes a read of a value that nobody wrote, or whose write is
// proved to have had no effect.
func (t *tally) phantomRead(op *history.Op, w *registerWrites) {
	if op.Output == "" {
		return
	}
	by, known := w.writer[op.Output]
	on := ""
	if op.ReadThrough != "" {
		on = " on " + string(op.ReadThrough)
	}
	switch {
	case !known:
		t.phantoms = append(t.phantoms, timestamped{at: op.Call, text: fmt.Sprintf("%s reads %q%s, which nobody wrote", op.Key, op.Output, on)})
	case by != nil && by.Outcome == history.Failed:
		t.phantoms = append(t.phantoms, timestamped{at: by.Call, text: format.Write(by) + ", and was read" + on})
	}
}
