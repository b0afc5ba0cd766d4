package consensus

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// Entries carry a checksum (CRC32C) behind their data on disk, and so do the
// small files beside the log. The write-ahead log has one of its own for each batch, but looks
// at it only when it opens, and only at that of the last batch: a bit that
// turns in an older entry it would serve.
const sealLen = crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChanged = checkedfile.ErrChecksum

// seal is the entry as it goes to disk. The one given is not changed: the
// leader sends it to its followers at the same time.
func seal(e *raft.Log) *raft.Log {
	s := *e
	s.Data = binary.LittleEndian.AppendUint32(slices.Clip(e.Data), sum(e))
	return &s
}

// unseal takes the checksum off an entry that should be the one at index.
func unseal(index uint64, e *raft.Log) error {
	n := len(e.Data) - sealLen
	if n < 0 || e.Index != index {
		return errChanged
	}
	want := binary.LittleEndian.Uint32(e.Data[n:])
	e.Data = e.Data[:n:n]
	if sum(e) != want {
		return errChanged
	}
	return nil
}

// sum is over all that replication depends on.
func sum(e *raft.Log) uint32 {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[0:], e.Index)
	binary.LittleEndian.PutUint64(head[8:], e.Term)
	head[16] = byte(e.Type)
	c := crc32.Update(0, castagnoli, head[:])
	c = crc32.Update(c, castagnoli, e.Data)
	return crc32.Update(c, castagnoli, e.Extensions)
}

func number(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func parseNumber(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, errChanged
	}
	return binary.LittleEndian.Uint64(b), nil
}
