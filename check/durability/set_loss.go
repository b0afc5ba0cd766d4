package durability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// element is one value of a set, by the adds that attempted it.
type element struct {
	add    *history.Op // the best attempt: acknowledged before unknown before rejected
	final  int         // number of final reads that hold it
	heldBy int         // stamp of the last processed read that holds it
}

// elements are the values of a set.
type elements struct {
	ids map[string]int
	all []element
}

var outcomeRank = map[history.Outcome]int{history.OK: 2, history.Unknown: 1}

func (e *elements) attempt(op *history.Op) {
	id, known := e.ids[op.Value]
	switch {
	case !known:
		e.ids[op.Value] = len(e.all)
		e.all = append(e.all, element{add: op, heldBy: -1})
	case outcomeRank[op.Outcome] > outcomeRank[e.all[id].add.Outcome]:
		e.all[id].add = op
	}
}

// list judges what became of one list, of which no order is asked here: linearizability has that. Where a put replaced
// the list, what it replaced is gone by right, and nothing is judged.
func (j *judge) list(k keyindex.Key) *tally {
	if slices.ContainsFunc(k.Ops, func(op *history.Op) bool { return op.Kind == history.Put }) {
		return &tally{}
	}
	return j.set(k)
}

// set judges what became of one set or list, or of the messages of one stream.
func (j *judge) set(k keyindex.Key) *tally {
	var (
		t     = &tally{}
		e     = &elements{ids: map[string]int{}}
		reads []*history.Op
		final = k.FinalReads()
	)
	for _, op := range k.Ops {
		switch {
		case op.Kind == history.Add, op.Kind == history.Publish, op.Kind == history.Append:
			j.countWrite(t, op)
			e.attempt(op)
		case op.Final:
		case op.Outcome == history.OK && !op.Stale:
			reads = append(reads, op)
		}
	}
	for i, n := range j.nodes {
		op := final.By[n]
		if op == nil {
			continue
		}
		for _, value := range op.Set {
			id, known := e.ids[value]
			switch {
			case !known:
				t.phantoms = append(t.phantoms, timestamped{at: op.Call, text: fmt.Sprintf("%s holds %s on %s, which nobody added", k.Name, value, n)})
				continue
			case e.all[id].heldBy == i:
				t.duplicates = append(t.duplicates, timestamped{at: op.Call, text: fmt.Sprintf("%s holds %s twice on %s", k.Name, value, n)})
				continue
			}
			e.all[id].heldBy = i
			e.all[id].final++
		}
	}
	complete := j.complete(t, k.Name, &final)
	for i := range e.all {
		x := &e.all[i]
		if complete && x.add.Outcome == history.OK {
			j.countJudged(t, x.add)
		}
		switch {
		case x.final == 0 && x.add.Outcome == history.OK && complete:
			t.lost = append(t.lost, record.LostWrite{Op: *x.add, Position: position(j.run.Faults, x.add.Return), Missing: j.nodes})
		case x.final > 0 && x.add.Outcome == history.Unknown:
			t.recovered++
		case x.final > 0 && x.add.Outcome == history.Failed:
			t.phantoms = append(t.phantoms, timestamped{at: x.add.Call, text: format.Write(x.add) + ", and is there"})
		}
	}
	setHolders(k.Ops, t.lost)
	t.divergedSets(j.nodes, k.Name, &final, e)
	t.staleSetReads(reads, e, complete)
	return t
}

// divergedSets compares each node's final read with their union.
func (t *tally) divergedSets(nodes []topology.NodeID, key string, final *keyindex.FinalReads, e *elements) {
	answered := 0
	for _, n := range nodes {
		if final.By[n] != nil {
			answered++
		}
	}
	stamp := len(nodes)
	for _, n := range nodes {
		op := final.By[n]
		if op == nil {
			continue
		}
		stamp++
		e.mark(op.Set, stamp, nil)
		var missing []string
		for i := range e.all {
			if x := &e.all[i]; x.final > 0 && x.final < answered && x.heldBy != stamp {
				missing = append(missing, x.add.Value)
			}
		}
		if len(missing) > 0 {
			t.diverged = append(t.diverged, timestamped{at: op.Call, text: fmt.Sprintf("%s on %s misses %s, which other nodes hold", key, n,
				format.List(missing, 5, strings.Clone))})
		}
	}
}

// mark stamps the elements that a read holds, and calls unknown with every other value.
func (e *elements) mark(values []string, stamp int, unknown func(value string)) {
	for _, value := range values {
		if id, known := e.ids[value]; known {
			e.all[id].heldBy = stamp
		} else if unknown != nil {
			unknown(value)
		}
	}
}

// staleSetReads finds the reads that miss an element whose add was acknowledged before they were
// called. An element that is lost for good is reported as lost, not as stale.
func (t *tally) staleSetReads(reads []*history.Op, e *elements, complete bool) {
	acked := make([]int, 0, len(e.all))
	for i := range e.all {
		if x := &e.all[i]; x.add.Outcome == history.OK && (x.final > 0 || !complete) {
			acked = append(acked, i)
		}
		e.all[i].heldBy = -1
	}
	slices.SortFunc(acked, func(a, b int) int { return cmp.Compare(e.all[a].add.Return, e.all[b].add.Return) })
	for stamp, op := range reads {
		e.mark(op.Set, stamp, func(value string) {
			t.phantoms = append(t.phantoms, timestamped{at: op.Call, text: fmt.Sprintf("a read of %s returned %s, which nobody added", op.Key, value)})
		})
		missed := 0
		var first *history.Op
		for _, id := range acked {
			add := e.all[id].add
			if add.Return >= op.Call {
				break
			}
			if e.all[id].heldBy != stamp {
				if missed++; first == nil {
					first = add
				}
			}
		}
		if missed == 0 {
			continue
		}
		text := fmt.Sprintf("%s read by %s at %s missed %s=%s, acknowledged %s before", op.Key, format.Client(op), duration.Format(op.Call),
			first.Key, first.Value, duration.Format(op.Call-first.Return))
		if missed > 1 {
			text += fmt.Sprintf(" (and %d more)", missed-1)
		}
		t.stale = append(t.stale, timestamped{at: op.Call, text: text, age: op.Call - first.Return})
	}
}
