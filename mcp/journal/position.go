package journal

import "cmp"

// Position is a place in a journal: that of its record Index, or before the
// first when zero. Epoch is that of the record.
type Position struct {
	Epoch uint64 `json:"epoch"`
	Index uint64 `json:"index"`
}

// Compare says which of two copies is further. A later epoch is, whatever the
// index: its primary began with everything that had been acknowledged.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.Epoch, o.Epoch), cmp.Compare(p.Index, o.Index))
}

// Chapter is where a primary's records begin.
type Chapter struct {
	Epoch uint64
	First uint64 // index of its first record
}

// chapters are all of a journal, in order.
type chapters []Chapter

// agree is the index up to which two journals hold the same records. In one
// epoch there is one primary that writes in order, so two journals that have
// an epoch in common have the same of it, up to where the shorter one ends.
func agree(a chapters, lastA uint64, b chapters, lastB uint64) uint64 {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if same == 0 {
		return 0
	}
	return min(a.end(same-1, lastA), b.end(same-1, lastB))
}

// end is the index of a chapter's last record.
func (c chapters) end(i int, last uint64) uint64 {
	if i+1 < len(c) {
		return c[i+1].First - 1
	}
	return last
}
