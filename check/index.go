package check

import "github.com/mcp-resilience/holdfast/history"

// index groups the operations by what they are on, once for all checks.
type index struct {
	registers []object
	sets      []object
	banks     []object
	streams   []object
	consumers []object
}

// object is one register, set, bank, stream or consumer and the places of its operations in the
// history, in the order recorded.
type object struct {
	key string
	ops []int32
}

func newIndex(ops []history.Op) *index {
	type place struct {
		in  *[]object
		key string
	}
	x := &index{}
	var (
		ids    = map[place]int32{}
		places []place
		counts []int32
		of     = make([]int32, len(ops))
	)
	for i := range ops {
		p := place{x.of(ops[i].Kind), ops[i].Key}
		id, ok := ids[p]
		if !ok {
			id = int32(len(places))
			ids[p] = id
			places, counts = append(places, p), append(counts, 0)
		}
		of[i] = id
		counts[id]++
	}
	// One array holds the places of all, each object a piece of it.
	all := make([]int32, len(ops))
	objects := make([]object, len(places))
	var next int32
	for id, n := range counts {
		objects[id] = object{places[id].key, all[next : next : next+n]}
		next += n
	}
	for i := range ops {
		o := &objects[of[i]]
		o.ops = append(o.ops, int32(i))
	}
	for id, o := range objects {
		*places[id].in = append(*places[id].in, o)
	}
	return x
}

// of is where the objects are listed that operations of a kind are on.
func (x *index) of(k history.Kind) *[]object {
	switch k {
	case history.Add, history.SetRead:
		return &x.sets
	case history.Open, history.Transfer, history.Balances:
		return &x.banks
	case history.Publish, history.Messages:
		return &x.streams
	case history.Consume:
		return &x.consumers
	default:
		return &x.registers
	}
}
