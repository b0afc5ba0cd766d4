package linear

import (
	"slices"
)

// searchState is what an order of operations up to some event comes to.
type searchState struct {
	value int32
	done  []uint64 // slots whose operation has taken effect
	used  []uint16 // of each class of spares
	// owed says that a spare was used whose value nothing has found yet: a compare-and-set must be next.
	owed bool
}

func (a *searchState) isDone(slot int32) bool { return a.done[slot/64]&(1<<(slot%64)) != 0 }
func (a *searchState) set(slot int32)         { a.done[slot/64] |= 1 << (slot % 64) }
func (a *searchState) clear(slot int32)       { a.done[slot/64] &^= 1 << (slot % 64) }

func (a *searchState) clone() searchState {
	return searchState{a.value, slices.Clone(a.done), slices.Clone(a.used), a.owed}
}

func (a *searchState) copyFrom(b *searchState) {
	a.value, a.owed = b.value, b.owed
	copy(a.done, b.done)
	copy(a.used, b.used)
}
