package durability

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// countJudged notes an acknowledged write whose loss would show. Losses are a share of these
// writes: one that nothing was read of afterwards can be counted neither as kept nor as lost.
func (j *judge) countJudged(t *tally, op *history.Op) {
	t.judged++
	if j.duringFault(op.Return) {
		t.judgedDuringFaults++
	}
}

// duringFault reports whether a fault lasted at an instant, from its request to its end.
func (j *judge) duringFault(at time.Duration) bool {
	return slices.ContainsFunc(j.run.Faults, func(f record.Fault) bool { return at >= f.Inject.Requested && at < f.End() })
}

// groupLost groups lost writes by who acknowledged them and to whom, the largest group first.
func groupLost(faults []record.Fault, lost []record.LostWrite) []record.LossGroup {
	type key struct {
		node   topology.NodeID
		region topology.Region
	}
	at := map[key]int{}
	var out []record.LossGroup
	for _, l := range lost {
		k := key{l.Op.Node, l.Op.Region}
		offset, fault := relativeToFault(faults, l.Op.Return)
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, record.LossGroup{Node: k.node, Region: k.region, From: offset, To: offset})
		}
		g := &out[i]
		g.Count++
		g.From, g.To = min(g.From, offset), max(g.To, offset)
		if fault != "" && !slices.Contains(g.Faults, fault) {
			g.Faults = append(g.Faults, fault)
		}
	}
	slices.SortStableFunc(out, func(a, b record.LossGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Region, b.Region))
	})
	return out
}

// relativeToFault is an instant relative to the request of the fault that it belongs to: the last
// that was in force then, or else the one that was requested nearest to it.
func relativeToFault(faults []record.Fault, at time.Duration) (offset time.Duration, fault string) {
	offset = at
	inForce := false
	for _, f := range faults { // in the order of their requests
		d := at - f.Inject.Requested
		switch in := d >= 0 && at < f.End(); {
		case in, !inForce && (fault == "" || d.Abs() < offset.Abs()):
			offset, fault = d, f.ID
			inForce = inForce || in
		}
	}
	return offset, fault
}
