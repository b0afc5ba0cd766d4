package consensus

import "github.com/hashicorp/raft-wal/types"

// readable opens segments that the write-ahead log has cut short.
//
// When a former leader deletes the entries that its successor does not have,
// raft-wal 0.4.0 seals the segment where it stands, without the index by which
// sealed segments are read: at the next start it cannot read it
// (hashicorp/raft-wal#31). Such a segment is read as the last one is, by going
// through its frames; what was deleted lies beyond its MaxIndex, and the log
// never asks for that.
type readable struct{ types.SegmentFiler }

// Open opens a sealed segment for reading.
func (f readable) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	if info.IndexStart == 0 {
		return f.RecoverTail(info)
	}
	return f.SegmentFiler.Open(info)
}
