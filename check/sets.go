package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// element is one value of a set, by the adds that attempted it.
type element struct {
	add   *history.Op // the best attempt: acknowledged before unknown before refused
	final int         // number of final reads that hold it
	seen  int         // stamp of the read that was last found to hold it
}

var outcomeRank = map[history.Outcome]int{history.OK: 2, history.Unknown: 1}

// setTally judges what became of one set.
func setTally(v *view, nodes []topology.NodeID, o object) (t tally) {
	var (
		elements = map[string]int{}
		all      []element
		reads    []*history.Op
		last     finals
	)
	for _, i := range o.ops {
		op := &v.run.Ops[i]
		switch {
		case op.Kind == history.Add, op.Kind == history.Publish:
			t.count(v, op)
			id, known := elements[op.Value]
			if !known {
				elements[op.Value] = len(all)
				all = append(all, element{add: op, seen: -1})
			} else if outcomeRank[op.Outcome] > outcomeRank[all[id].add.Outcome] {
				all[id].add = op
			}
		case op.Final:
			last.note(op, &t)
		case op.Outcome == history.OK && !op.Stale:
			reads = append(reads, op)
		}
	}
	for i, n := range nodes {
		op := last.by[n]
		if op == nil {
			continue
		}
		for _, value := range op.Set {
			id, known := elements[value]
			switch {
			case !known:
				t.phantoms = append(t.phantoms, dated{op.Call, fmt.Sprintf("%s holds %s on %s, which nobody added", o.key, value, n)})
				continue
			case all[id].seen == i:
				t.duplicates = append(t.duplicates, dated{op.Call, fmt.Sprintf("%s holds %s twice on %s", o.key, value, n)})
				continue
			}
			all[id].seen = i
			all[id].final++
		}
	}
	complete := last.complete(nodes, o.key, &t)
	for i := range all {
		e := &all[i]
		switch {
		case e.final == 0 && e.add.Outcome == history.OK && complete:
			t.lost = append(t.lost, record.LostWrite{Op: *e.add, Position: v.position(e.add.Return), Missing: nodes})
		case e.final > 0 && e.add.Outcome == history.Unknown:
			t.recovered++
		case e.final > 0 && e.add.Outcome == history.Failed:
			t.phantoms = append(t.phantoms, dated{e.add.Call, witness(e.add) + ", and is there"})
		}
	}
	v.seen(o, t.lost)
	t.divergedSets(nodes, o, &last, elements, all)
	t.staleSets(reads, elements, all, complete)
	return t
}

// divergedSets compares each node's final read with their union.
func (t *tally) divergedSets(nodes []topology.NodeID, o object, last *finals, elements map[string]int, all []element) {
	answered := 0
	for _, n := range nodes {
		if last.by[n] != nil {
			answered++
		}
	}
	stamp := len(nodes)
	for _, n := range nodes {
		op := last.by[n]
		if op == nil {
			continue
		}
		stamp++
		for _, value := range op.Set {
			if id, known := elements[value]; known {
				all[id].seen = stamp
			}
		}
		var missing []string
		for i := range all {
			if all[i].final > 0 && all[i].final < answered && all[i].seen != stamp {
				missing = append(missing, all[i].add.Value)
			}
		}
		if len(missing) > 0 {
			t.diverged = append(t.diverged, dated{op.Call, fmt.Sprintf("%s on %s misses %s, which other nodes hold", o.key, n,
				few(missing, 5, func(s string) string { return s }))})
		}
	}
}

// staleSets finds the reads that miss what was acknowledged before they were
// called. An element that is lost for good is told as lost, not as stale.
func (t *tally) staleSets(reads []*history.Op, elements map[string]int, all []element, complete bool) {
	acked := make([]int, 0, len(all))
	for i := range all {
		if all[i].add.Outcome == history.OK && (all[i].final > 0 || !complete) {
			acked = append(acked, i)
		}
	}
	slices.SortFunc(acked, func(a, b int) int {
		return cmp.Compare(all[a].add.Return, all[b].add.Return)
	})
	for i := range all {
		all[i].seen = -1
	}
	for r, op := range reads {
		for _, value := range op.Set {
			if id, known := elements[value]; known {
				all[id].seen = r
			} else {
				t.phantoms = append(t.phantoms, dated{op.Call, fmt.Sprintf("a read of %s saw %s, which nobody added", op.Key, value)})
			}
		}
		missed := 0
		var first *history.Op
		for _, id := range acked {
			add := all[id].add
			if add.Return >= op.Call {
				break
			}
			if all[id].seen != r {
				if missed++; first == nil {
					first = add
				}
			}
		}
		if missed > 0 {
			says := fmt.Sprintf("%s read by %s at %s missed %s=%s, acknowledged %s before", op.Key, client(op), seconds(op.Call),
				first.Key, first.Value, seconds(op.Call-first.Return))
			if missed > 1 {
				says += fmt.Sprintf(" (and %d more)", missed-1)
			}
			t.stale = append(t.stale, dated{op.Call, says})
		}
	}
}

// client names who sent an operation.
func client(op *history.Op) string { return fmt.Sprintf("%s/%d", op.Region, op.Client) }
