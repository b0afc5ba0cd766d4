package linear

import (
	"encoding/binary"
	"slices"
)

// searchState is the result of the operations that have been linearized up to some event.
type searchState struct {
	value      int32
	linearized []uint64 // mask of the slots whose operation has been linearized
	used       []uint16 // by class of unanswered writes: how many have been linearized
	// needsCAS says that an unanswered write was linearized last and no read has returned its
	// value: the next operation must be a compare-and-set that expects it, or the write was useless.
	needsCAS bool
}

func (a *searchState) isLinearized(slot int32) bool { return a.linearized[slot/64]&(1<<(slot%64)) != 0 }
func (a *searchState) setLinearized(slot int32)     { a.linearized[slot/64] |= 1 << (slot % 64) }
func (a *searchState) clear(slot int32)             { a.linearized[slot/64] &^= 1 << (slot % 64) }

func (a *searchState) clone() searchState {
	return searchState{a.value, slices.Clone(a.linearized), slices.Clone(a.used), a.needsCAS}
}

func (a *searchState) copyFrom(b *searchState) {
	a.value, a.needsCAS = b.value, b.needsCAS
	copy(a.linearized, b.linearized)
	copy(a.used, b.used)
}

// memoKey encodes the state of the search without the numbers of used unanswered writes. Failures
// are memoized under it.
func (s *registerSearch) memoKey() []byte {
	s.key = binary.AppendUvarint(s.key[:0], uint64(s.next))
	s.key = binary.AppendUvarint(s.key, uint64(s.state.value))
	if s.state.needsCAS {
		s.key = append(s.key, 1)
	}
	for _, word := range s.state.linearized {
		s.key = binary.LittleEndian.AppendUint64(s.key, word)
	}
	return s.key
}

// rememberFailure memoizes that no linearization continues from the present state. It reports
// whether the budget allowed that.
func (s *registerSearch) rememberFailure() bool {
	key := s.memoKey()
	s.failures[string(key)] = append(s.failures[string(key)], slices.Clone(s.state.used))
	return s.budget.remember(int64(len(key) + 2*len(s.state.used) + bytesPerFailure))
}

// knownToFail reports whether the search has failed from the present state, or from one that is like
// it but for unanswered writes of which it had used no more.
func (s *registerSearch) knownToFail() bool {
	for _, failed := range s.failures[string(s.memoKey())] {
		noBetter := true
		for class, n := range failed {
			noBetter = noBetter && s.state.used[class] >= n
		}
		if noBetter {
			return true
		}
	}
	return false
}
