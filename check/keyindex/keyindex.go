// Package keyindex groups a history by the object that its operations are on (a register, a set, a
// list, a bank or a stream), once for all checks. It judges nothing.
package keyindex

import "github.com/mcp-resilience/holdfast/history"

// Index lists the keys of a history by what they are, each in the order in
// which it first occurs.
type Index struct {
	Registers []Key
	Sets      []Key
	Lists     []Key
	Banks     []Key
	Streams   []Key
	Consumers []Key
}

// Key is one register, set, bank, stream or consumer with its operations, in the
// order recorded.
type Key struct {
	Name string
	Ops  []*history.Op
}

// New groups the operations. The index refers to them, so they must not move.
func New(ops []history.Op) *Index {
	type id struct {
		in   *[]Key
		name string
	}
	x := &Index{}
	var (
		numbers = map[id]int32{}
		ids     []id
		counts  []int32
		keyOf   = make([]int32, len(ops))
	)
	for i := range ops {
		k := id{x.list(ops[i].Kind), ops[i].Key}
		n, known := numbers[k]
		if !known {
			n = int32(len(ids))
			numbers[k] = n
			ids, counts = append(ids, k), append(counts, 0)
		}
		keyOf[i] = n
		counts[n]++
	}
	// One array holds the operations of all keys, each key a piece of it.
	all := make([]*history.Op, len(ops))
	keys := make([]Key, len(ids))
	var next int32
	for n, count := range counts {
		keys[n] = Key{ids[n].name, all[next : next : next+count]}
		next += count
	}
	for i := range ops {
		k := &keys[keyOf[i]]
		k.Ops = append(k.Ops, &ops[i])
	}
	for n, k := range keys {
		*ids[n].in = append(*ids[n].in, k)
	}
	return x
}

// list is where the keys are listed that operations of a kind are on.
func (x *Index) list(k history.Kind) *[]Key {
	switch k {
	case history.Add, history.SetRead:
		return &x.Sets
	case history.Append, history.Put, history.ListRead:
		return &x.Lists
	case history.Open, history.Transfer, history.Balances:
		return &x.Banks
	case history.Publish, history.Messages:
		return &x.Streams
	case history.Consume:
		return &x.Consumers
	default:
		return &x.Registers
	}
}
