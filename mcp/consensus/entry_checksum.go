package consensus

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// On disk a checksum (CRC32C) follows the data of each entry. The write-ahead log has
// a checksum of its own for each batch, but verifies only that of the last batch, and
// only when it opens: it would serve a bit that has flipped in an older entry.
const checksumLen = crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChecksum = checkedfile.ErrChecksum

// addChecksum returns the entry as it goes to disk. It leaves the given one as it is,
// because the leader sends it to its followers at the same time.
func addChecksum(e *raft.Log) *raft.Log {
	s := *e
	s.Data = binary.LittleEndian.AppendUint32(slices.Clip(e.Data), checksum(e))
	return &s
}

// stripChecksum removes the checksum from the entry that was read for an index, after
// verifying both.
func stripChecksum(index uint64, e *raft.Log) error {
	n := len(e.Data) - checksumLen
	if n < 0 || e.Index != index {
		return errChecksum
	}
	want := binary.LittleEndian.Uint32(e.Data[n:])
	e.Data = e.Data[:n:n]
	if checksum(e) != want {
		return errChecksum
	}
	return nil
}

// checksum covers every field of an entry that replication depends on.
func checksum(e *raft.Log) uint32 {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[0:], e.Index)
	binary.LittleEndian.PutUint64(head[8:], e.Term)
	head[16] = byte(e.Type)
	c := crc32.Update(0, castagnoli, head[:])
	c = crc32.Update(c, castagnoli, e.Data)
	return crc32.Update(c, castagnoli, e.Extensions)
}

func encodeUint64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func decodeUint64(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, errChecksum
	}
	return binary.LittleEndian.Uint64(b), nil
}
