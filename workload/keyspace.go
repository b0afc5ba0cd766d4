package workload

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/mcp-resilience/holdfast/history"
)

// keyspace chooses registers, sets and lists, and replaces each by a new one after a fixed
// number of operations. The cost of checking linearizability grows with the square
// of the operations on a key, so their number must be bounded.
type keyspace struct {
	mu        sync.Mutex
	load      Load   // resolved
	prefix    string // of every name; empty in the first part of a load
	registers []keySlot
	sets      []keySlot
	lists     []keySlot
}

// keySlot is one of the keys that are in use at a time.
type keySlot struct {
	generation int
	used       int
	last       string // the value that the register is expected to hold
}

// listsInUse is how many lists are in use at a time, and opsPerList the operations after which each is replaced by a
// new one: every read of a list has all of it, so lists are short.
const (
	listsInUse = 4
	opsPerList = 100
)

// setsInUse is how many sets are in use at a time: few, so that one final read covers
// many elements, but more than one, so that reads during the run stay small.
const setsInUse = 4

func newKeyspace(l Load, part int) *keyspace {
	k := &keyspace{load: l, registers: make([]keySlot, l.Keys), sets: make([]keySlot, setsInUse), lists: make([]keySlot, listsInUse)}
	if part > 0 {
		k.prefix = fmt.Sprintf("p%d.", part)
	}
	return k
}

// register chooses a register, and returns its name and the value that it is expected to hold.
func (k *keyspace) register(rng *rand.Rand) (key, last string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.registers))
	s := k.registers[i].use(k.load.OpsPerKey)
	return k.load.Key(fmt.Sprintf("%sk%d.%d", k.prefix, i, s.generation)), s.last
}

// set chooses a set.
func (k *keyspace) set(rng *rand.Rand) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.sets))
	return k.load.Key(fmt.Sprintf("%ss%d.%d", k.prefix, i, k.sets[i].use(k.load.OpsPerKey).generation))
}

// list chooses a list.
func (k *keyspace) list(rng *rand.Rand) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.lists))
	return k.load.Key(fmt.Sprintf("%sl%d.%d", k.prefix, i, k.lists[i].use(min(opsPerList, k.load.OpsPerKey)).generation))
}

func (s *keySlot) use(limit int) *keySlot {
	if s.used == limit {
		*s = keySlot{generation: s.generation + 1}
	}
	s.used++
	return s
}

// observe learns the value of a register from a completed operation, so that
// compare-and-sets expect values that the register may hold.
func (k *keyspace) observe(op history.Op) {
	var value string
	switch {
	case op.Outcome != history.OK:
		return
	case op.Kind == history.Read && !op.Stale:
		value = op.Output
	case op.Kind == history.Write, op.Kind == history.CAS && op.Applied:
		value = op.Value
	default:
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var i, generation int
	if _, err := fmt.Sscanf(op.Key, k.load.Key(k.prefix+"k%d.%d"), &i, &generation); err != nil || i >= len(k.registers) {
		return
	}
	if s := &k.registers[i]; s.generation == generation {
		s.last = value
	}
}
