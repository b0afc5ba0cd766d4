package durability

import (
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// setHolders fills in which nodes held the lost writes to one key during
// the run: those that answered a read, other than a final one, with the value.
func setHolders(ops []*history.Op, lost []record.LostWrite) {
	if len(lost) == 0 {
		return
	}
	byValue := make(map[string]int, len(lost))
	for i, l := range lost {
		byValue[l.Op.Value] = i
	}
	for _, op := range ops {
		if op.Final || op.Outcome != history.OK || op.Node == "" {
			continue
		}
		switch op.Kind {
		case history.Read:
			addHolder(byValue, lost, op, op.Output)
		case history.SetRead:
			for _, value := range op.Set {
				addHolder(byValue, lost, op, value)
			}
		}
	}
	for i := range lost {
		slices.Sort(lost[i].HeldBy)
	}
}

// addHolder notes that a read shows a value, if that is lost. A read that was over
// before the write began shows another write of the same value.
func addHolder(byValue map[string]int, lost []record.LostWrite, read *history.Op, value string) {
	i, ok := byValue[value]
	if !ok || read.Return < lost[i].Op.Call || slices.Contains(lost[i].HeldBy, read.Node) {
		return
	}
	lost[i].HeldBy = append(lost[i].HeldBy, read.Node)
}
