package workload

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/mcp-resilience/holdfast/history"
)

// keyring hands out registers and sets, and replaces each by a fresh one
// after a fixed number of operations. Checking linearizability costs the
// square of the operations on a key, so no key may grow without bound.
type keyring struct {
	mu        sync.Mutex
	load      Load // resolved
	registers []slot
	sets      []slot
}

// slot is the key in use at one place of the ring.
type slot struct {
	generation int
	used       int
	last       string // a value the register is believed to hold
}

// setsPerRing is how many sets are in use at one time. Few, so that one final
// read returns many elements; not one, so that reads of them stay small.
const setsPerRing = 4

func newKeyring(l Load) *keyring {
	return &keyring{load: l, registers: make([]slot, l.Keys), sets: make([]slot, setsPerRing)}
}

// register picks a register and returns its name and the value it is believed to hold.
func (k *keyring) register(rng *rand.Rand) (key, last string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.registers))
	s := k.registers[i].use(k.load.OpsPerKey)
	return k.load.Key(fmt.Sprintf("k%d.%d", i, s.generation)), s.last
}

// set picks a set.
func (k *keyring) set(rng *rand.Rand) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := rng.IntN(len(k.sets))
	return k.load.Key(fmt.Sprintf("s%d.%d", i, k.sets[i].use(k.load.OpsPerKey).generation))
}

func (s *slot) use(limit int) *slot {
	if s.used == limit {
		*s = slot{generation: s.generation + 1}
	}
	s.used++
	return s
}

// learn notes what a completed operation says about its register, so that
// compare-and-sets expect values that have a chance to be there.
func (k *keyring) learn(op history.Op) {
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
	if _, err := fmt.Sscanf(op.Key, k.load.Key("k%d.%d"), &i, &generation); err != nil || i >= len(k.registers) {
		return
	}
	if s := &k.registers[i]; s.generation == generation {
		s.last = value
	}
}
