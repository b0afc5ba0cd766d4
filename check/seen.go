package check

import (
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// seen fills in on which nodes the lost writes to an object were seen during
// the run: those that answered a read, not a final one, with the value.
func (v *view) seen(o object, lost []record.LostWrite) {
	if len(lost) == 0 {
		return
	}
	of := make(map[string]int, len(lost))
	for i, l := range lost {
		of[l.Op.Value] = i
	}
	for _, i := range o.ops {
		op := &v.run.Ops[i]
		if op.Final || op.Outcome != history.OK || op.Node == "" {
			continue
		}
		switch op.Kind {
		case history.Read:
			showed(of, lost, op, op.Output)
		case history.SetRead:
			for _, value := range op.Set {
				showed(of, lost, op, value)
			}
		}
	}
	for i := range lost {
		slices.Sort(lost[i].HeldBy)
	}
}

// showed notes that a read shows a value, if that is lost. A read that was over
// before the write began shows another's.
func showed(of map[string]int, lost []record.LostWrite, read *history.Op, value string) {
	i, ok := of[value]
	if !ok || read.Return < lost[i].Op.Call || slices.Contains(lost[i].HeldBy, read.Node) {
		return
	}
	lost[i].HeldBy = append(lost[i].HeldBy, read.Node)
}
