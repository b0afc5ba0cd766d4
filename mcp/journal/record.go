package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Record is one entry of a journal. Indexes count from 1 without a gap, epochs
// never fall, and no two different records ever share both.
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
// that was known to be on this disk when the record was written: it tells a
// tail that a crash tore from a middle that went bad later, see Open.
const header = 4 + 4 + 8 + 8 + 8

// MaxPayload is the longest payload in bytes.
const MaxPayload = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord encodes r behind buf.
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

// parseRecord reads the record at the beginning of b, and how many bytes it
// takes. The payload is a part of b.
func parseRecord(b []byte) (r Record, synced uint64, size int, err error) {
	if len(b) < header {
		return r, 0, 0, fmt.Errorf("%d bytes are less than a record's header", len(b))
	}
	length := binary.BigEndian.Uint32(b[4:])
	if length > MaxPayload {
		return r, 0, 0, fmt.Errorf("a payload of %d bytes is longer than any", length)
	}
	size = header + int(length)
	if len(b) < size {
		return r, 0, 0, fmt.Errorf("%d bytes are less than the record's %d", len(b), size)
	}
	if want, got := binary.BigEndian.Uint32(b), crc32.Checksum(b[4:size], castagnoli); want != got {
		return r, 0, 0, fmt.Errorf("checksum %08x, want %08x", got, want)
	}
	r = Record{Epoch: binary.BigEndian.Uint64(b[8:]), Index: binary.BigEndian.Uint64(b[16:]), Payload: b[header:size]}
	return r, binary.BigEndian.Uint64(b[24:]), size, nil
}

// follows says whether a record may come after a place in the journal.
func (r Record) follows(last Position) error {
	if r.Index != last.Index+1 || r.Epoch < last.Epoch || r.Epoch == 0 || r.Epoch == math.MaxUint64 {
		return fmt.Errorf("record %d of epoch %d does not follow record %d of epoch %d", r.Index, r.Epoch, last.Index, last.Epoch)
	}
	return nil
}
