package workload

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/mcp-resilience/holdfast/history"
)

// keyspace hands out registers and sets, and replaces each by a fresh one
// after a fixed number of operations. Checking linearizability costs the
// square of the operations on a key, so no key may grow without bound.
type keyspace struct {
	mu        sync.Mutex
	load      Load   // resolved
	prefix    string // of every name; empty in the first part of a load
	registers []keySlot
	sets      []keySlot
}

// keySlot is the key in use at one place of the ring.
type keySlot struct {
	generation int
	used       int
	last       string // a value the register is believed to hold
}

// setsInUse is how many sets are in use at one time. Few, so that one final
// read returns many elements; not one, so that reads of them stay small.
const setsInUse = 4

func newKeyspace(l Load, part int) *keyspace {
	k := &keyspace{load: l, registers: make([]keySlot, l.Keys), sets: make([]keySlot, setsInUse)}
	if part > 0 {
		k.prefix = fmt.Sprintf("p%d.", part)
	}
	return k
}

// register picks a register and returns its name and the value it is believed to hold.
func (k *keyspace) register(rng *rand.Rand) (key, last string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.registers))
	s := k.registers[i].use(k.load.OpsPerKey)
	return k.load.Key(fmt.Sprintf("%sk%d.%d", k.prefix, i, s.generation)), s.last
}

// set picks a set.
func (k *keyspace) set(rng *rand.Rand) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.sets))
	return k.load.Key(fmt.Sprintf("%ss%d.%d", k.prefix, i, k.sets[i].use(k.load.OpsPerKey).generation))
}

func (s *keySlot) use(limit int) *keySlot {
	if s.used == limit {
		*s = keySlot{generation: s.generation + 1}
	}
	s.used++
	return s
}

// observe notes what a completed operation says about its register, so that
// compare-and-sets expect values that have a chance to be there.
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
