package primarybackup

import "cmp"

// Position is the position of a record in a journal. The zero Position is before the first record.
type Position struct {
	Epoch uint64 `json:"epoch"`
	Index uint64 `json:"index"`
}

// Compare orders two copies by how far they are. A later epoch is further, whatever
// the index, because its primary began with everything that had been acknowledged.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.Epoch, o.Epoch), cmp.Compare(p.Index, o.Index))
}

// EpochStart is where the records of an epoch, and so of one primary, begin.
type EpochStart struct {
	Epoch uint64
	First uint64 // index of its first record
}

// epochStarts lists every epoch of a journal, in order.
type epochStarts []EpochStart

// divergencePoint returns the index up to which two journals hold the same records.
// Each epoch has one primary, which writes in order, so two journals that share an
// epoch hold the same records of it, up to the end of the shorter one.
func divergencePoint(a epochStarts, lastA uint64, b epochStarts, lastB uint64) uint64 {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if same == 0 {
		return 0
	}
	return min(a.lastIndex(same-1, lastA), b.lastIndex(same-1, lastB))
}

// lastIndex is the index of the last record of epoch i, given the journal's last index.
func (c epochStarts) lastIndex(i int, last uint64) uint64 {
	if i+1 < len(c) {
		return c[i+1].First - 1
	}
	return last
}
