package checktest

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// Store is a perfect system: one copy of every register and set.
type Store struct {
	Registers map[string]string
	Sets      map[string][]string
}

// NewStore returns an empty one.
func NewStore() *Store { return &Store{map[string]string{}, map[string][]string{}} }

// Do carries out an operation and fills in its answer. A compare-and-set that expects "?" expects
// what is there, most of the time.
func (s *Store) Do(op *history.Op) {
	switch op.Kind {
	case history.Read:
		op.Output = s.Registers[op.Key]
	case history.Write:
		s.Registers[op.Key] = op.Value
	case history.CAS:
		if op.Expect == "?" { // what is there, most of the time
			if op.Expect = s.Registers[op.Key]; op.ID%3 == 0 {
				op.Expect = "other"
			}
		}
		if op.Applied = s.Registers[op.Key] == op.Expect; op.Applied {
			s.Registers[op.Key] = op.Value
		}
	case history.Add:
		s.Sets[op.Key] = append(s.Sets[op.Key], op.Value)
	case history.SetRead:
		op.Set = slices.Clone(s.Sets[op.Key])
	}
}

// readBack reads everything through every node, after all of ops.
func readBack(ops []history.Op, at time.Duration) []history.Op {
	s := NewStore()
	var keys []history.Op
	known := map[string]bool{}
	last := at
	for i := range ops {
		op := ops[i]
		last = max(last, op.Return)
		if op.Outcome == history.OK {
			s.Do(&op)
		}
		kind := history.Read
		if op.Kind == history.Add || op.Kind == history.SetRead {
			kind = history.SetRead
		}
		if !known[op.Key] {
			known[op.Key] = true
			keys = append(keys, history.Op{Kind: kind, Key: op.Key})
		}
	}
	var out []history.Op
	for _, n := range Three.Nodes {
		for _, op := range keys {
			last += 10 * time.Microsecond
			op.ID, op.Final, op.ReadThrough, op.Region = int64(len(ops)+len(out)+1), true, n.ID, n.Region
			op.Intended, op.Call, op.Return, op.Outcome = last, last, last+5*time.Microsecond, history.OK
			s.Do(&op)
			out = append(out, op)
		}
	}
	return out
}
