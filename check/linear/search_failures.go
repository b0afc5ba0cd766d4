package linear

import (
	"encoding/binary"
	"slices"
)

// place encodes where the search stands, without the unanswered writes that it has used: the key
// under which failures are remembered.
func (s *registerSearch) place() []byte {
	s.key = binary.AppendUvarint(s.key[:0], uint64(s.next))
	s.key = binary.AppendUvarint(s.key, uint64(s.at.value))
	if s.at.owed {
		s.key = append(s.key, 1)
	}
	for _, word := range s.at.done {
		s.key = binary.LittleEndian.AppendUint64(s.key, word)
	}
	return s.key
}

// rememberFailure notes that nothing fits from here on. It reports whether the budget allowed that.
func (s *registerSearch) rememberFailure() bool {
	key := s.place()
	s.failed[string(key)] = append(s.failed[string(key)], slices.Clone(s.at.used))
	return s.budget.remember(int64(len(key) + 2*len(s.at.used) + bytesPerFailure))
}

// hasFailed reports whether the search has failed from here, or with more spares left.
func (s *registerSearch) hasFailed() bool {
	for _, used := range s.failed[string(s.place())] {
		worse := true
		for class, n := range used {
			worse = worse && s.at.used[class] >= n
		}
		if worse {
			return true
		}
	}
	return false
}
