package consensus

import "github.com/hashicorp/raft-wal/types"

// truncationFix opens segments that the write-ahead log has truncated.
//
// When a former leader deletes the entries that its successor does not have, raft-wal
// 0.4.0 seals the segment where it stands, without the index by which sealed segments are
// read, and cannot read it at the next start (hashicorp/raft-wal#31). Such a segment is
// read as the last one is, frame by frame. The deleted entries lie beyond its MaxIndex,
// and the log never asks for them.
type truncationFix struct{ types.SegmentFiler }

// Open opens a sealed segment for reading.
func (f truncationFix) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	if info.IndexStart == 0 {
		return f.RecoverTail(info)
	}
	return f.SegmentFiler.Open(info)
}
