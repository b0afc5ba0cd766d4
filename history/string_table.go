package history

import (
	"hash/maphash"
	"unsafe"
)

// stringTable keeps each string once, in few large pieces of memory: a history of a million operations
// names ten million strings, of which one in ten is new. A map would hold each string twice, as key
// and as value, and each new one would be an allocation for the garbage collector to follow.
type stringTable struct {
	seed  maphash.Seed
	slots []string // open addressing
	// tags are hashes of the strings in the slots, and 0 for a free one. Most slots that are passed on the way to a
	// string hold another one, and that is seen without a look at it, which is seldom in the processor's cache.
	tags  []uint32
	used  int
	piece []byte // the strings that were kept last are in it
}

const (
	// maxStrings bounds the table. A full one is emptied: the strings stay, and are kept again when they recur.
	maxStrings = 1 << 20
	pieceSize  = 64 << 10
)

func newStringTable() stringTable {
	return stringTable{seed: maphash.MakeSeed(), slots: make([]string, 1<<10), tags: make([]uint32, 1<<10)}
}

// get returns the string of the bytes, and reports whether it was not known before.
func (t *stringTable) get(b []byte) (text string, fresh bool) {
	if len(b) == 0 {
		return "", false
	}
	at, tag := t.slot(b)
	if t.tags[at] != 0 {
		return t.slots[at], false
	}
	if t.used >= maxStrings {
		clear(t.slots)
		clear(t.tags)
		t.used = 0
		at, _ = t.slot(b)
	} else if t.used >= len(t.slots)/4*3 {
		t.grow()
		at, _ = t.slot(b)
	}
	t.used++
	t.slots[at], t.tags[at] = t.keep(b), tag
	return t.slots[at], true
}

// slot is where the string of the bytes is, or belongs, and the tag that it has there.
func (t *stringTable) slot(b []byte) (at int, tag uint32) {
	hash := maphash.Bytes(t.seed, b)
	tag = uint32(hash>>32) | 1
	mask := len(t.slots) - 1
	for at = int(hash) & mask; t.tags[at] != 0 && (t.tags[at] != tag || t.slots[at] != string(b)); {
		at = (at + 1) & mask
	}
	return at, tag
}

func (t *stringTable) grow() {
	old := t.slots
	t.slots, t.tags = make([]string, 2*len(old)), make([]uint32, 2*len(old))
	for _, s := range old {
		if s != "" {
			at, tag := t.slot(unsafe.Slice(unsafe.StringData(s), len(s)))
			t.slots[at], t.tags[at] = s, tag
		}
	}
}

// keep copies the bytes to where they stay.
func (t *stringTable) keep(b []byte) string {
	if len(b) > pieceSize/16 {
		return string(b)
	}
	if len(t.piece)+len(b) > cap(t.piece) {
		t.piece = make([]byte, 0, pieceSize)
	}
	start := len(t.piece)
	t.piece = append(t.piece, b...) // within its capacity, so that it does not move
	return unsafe.String(&t.piece[start], len(b))
}
