package faults

import (
	"errors"
	"fmt"
)

// corruption is what was changed in one file.
type corruption struct {
	file        string
	offset      int  // of the first byte that differs
	want        byte // what stands there now; meaningless where the file ends
	description string
}

// bytesFromEnd is how far before the end of a file's data it is corrupted: within
// the last record of any log, and before what closes a record (a length, a checksum).
const bytesFromEnd = 24

var errEmpty = errors.New("the file has no data in it")

// corruptData changes a file's content. Zeros at its end are preallocated space
// and remain: what a disk loses there reads as zeros, too.
func corruptData(b []byte, kind string, seed uint64) ([]byte, corruption, error) {
	end := len(b)
	for end > 0 && b[end-1] == 0 {
		end--
	}
	if end == 0 {
		return nil, corruption{}, errEmpty
	}
	c := corruption{offset: end - min(bytesFromEnd, (end+1)/2)}
	if kind == flip {
		bit := seed % 8
		was := b[c.offset]
		c.want = was ^ 1<<bit
		b[c.offset] = c.want
		c.description = fmt.Sprintf("bit %d of byte %d turned, %#02x to %#02x", bit, c.offset, was, c.want)
		return b, c, nil
	}
	for b[c.offset] == 0 { // clearing a zero would change nothing
		c.offset++
	}
	c.description = fmt.Sprintf("torn off from byte %d of %d on", c.offset, end)
	if end == len(b) {
		return b[:c.offset], c, nil
	}
	clear(b[c.offset:end])
	return b, c, nil
}

// check returns nil when a file's content still has the corruption in it.
func (c corruption) check(b []byte, kind string) error {
	if kind == torn && len(b) == c.offset {
		return nil
	}
	if len(b) <= c.offset || b[c.offset] != c.want {
		return fmt.Errorf("byte %d of %s was changed back", c.offset, c.file)
	}
	return nil
}
