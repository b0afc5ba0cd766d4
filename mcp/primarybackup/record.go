package primarybackup

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Record is one entry of a journal. Indexes count from 1 without a gap, epochs
// never decrease, and no two different records ever have the same index and epoch.
type Record struct {
	Epoch   uint64
	Index   uint64
	Payload []byte
}

// On disk a record is
//
//	crc32c(4) length(4) epoch(8) index(8) synced(8) payload(length)
//
// in big-endian order. The checksum covers all that follows it. Synced is the index
// up to which records were known to be on this disk when the record was written. It
// distinguishes a tail that a crash tore from a record that was damaged later: see
// OpenFile.
const headerSize = 4 + 4 + 8 + 8 + 8

// MaxPayload is the maximum length of a payload in bytes.
const MaxPayload = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends the encoding of r to buf.
func appendRecord(buf []byte, r Record, synced uint64) []byte {
	at := len(buf)
	buf = binary.BigEndian.AppendUint32(buf, 0)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(r.Payload)))
	buf = binary.BigEndian.AppendUint64(buf, r.Epoch)
	buf = binary.BigEndian.AppendUint64(buf, r.Index)
	buf = binary.BigEndian.AppendUint64(buf, synced)
	buf = append(buf, r.Payload...)
	binary.BigEndian.PutUint32(buf[at:], crc32.Checksum(buf[at+4:], castagnoli))
	return buf
}

// parseRecord reads the record at the beginning of b. It returns the size of its
// encoding too. The payload is a part of b.
func parseRecord(b []byte) (r Record, synced uint64, size int, err error) {
	if len(b) < headerSize {
		return r, 0, 0, fmt.Errorf("the header is cut off after %d bytes", len(b))
	}
	length := binary.BigEndian.Uint32(b[4:])
	if length > MaxPayload {
		return r, 0, 0, fmt.Errorf("the payload's length is %d bytes, more than the maximum of %d", length, MaxPayload)
	}
	size = headerSize + int(length)
	if len(b) < size {
		return r, 0, 0, fmt.Errorf("the record is cut off after %d of %d bytes", len(b), size)
	}
	if want, got := binary.BigEndian.Uint32(b), crc32.Checksum(b[4:size], castagnoli); want != got {
		return r, 0, 0, fmt.Errorf("the checksum is %08x, want %08x", got, want)
	}
	r = Record{Epoch: binary.BigEndian.Uint64(b[8:]), Index: binary.BigEndian.Uint64(b[16:]), Payload: b[headerSize:size]}
	return r, binary.BigEndian.Uint64(b[24:]), size, nil
}

// checkFollows returns an error if the record must not come after the record at last.
func (r Record) checkFollows(last Position) error {
	if r.Index != last.Index+1 || r.Epoch < last.Epoch || r.Epoch == 0 || r.Epoch == math.MaxUint64 {
		return fmt.Errorf("record %d of epoch %d does not follow record %d of epoch %d", r.Index, r.Epoch, last.Index, last.Epoch)
	}
	return nil
}
