package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// diskLog is the node's log and, in a file of its own, the term and vote (stable_store.go).
// Both are synced to disk before they count. It notices two kinds of damage that the
// write-ahead log below it does not: an entry that the disk has changed since it was
// stored (entry_checksum.go), and one that the disk has lost although it was synced
// (sync_watermark.go).
type diskLog struct {
	*wal.WAL
	stable    *stableStore
	meta      *metadb.BoltMetaDB
	watermark *syncWatermark
	dir       string
}

// segmentSize is how much disk a file of the log takes from the moment it is created. A
// file is deleted when snapshots hold all entries in it.
const segmentSize = 8 << 20

// openLog opens the log of a node; a nil vfs is the machine's own file system. The error of
// a damaged log says what to do, see damageError.
func openLog(dir string, logger hclog.Logger, vfs types.VFS) (_ *diskLog, err error) {
	dir = filepath.Join(dir, "log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open consensus log: %w", err)
	}
	l := &diskLog{meta: &metadb.BoltMetaDB{}, dir: dir}
	if l.watermark, err = openSyncWatermark(filepath.Join(dir, "synced")); err != nil {
		return nil, damageError(dir, err)
	}
	if l.stable, err = openStableStore(filepath.Join(dir, "votes"), l.watermark.at.index > 0); err != nil {
		return nil, damageError(dir, errors.Join(err, l.watermark.Close()))
	}
	if err := l.openWAL(logger, vfs); err != nil {
		return nil, damageError(dir, errors.Join(err, l.watermark.Close()))
	}
	return l, nil
}

// openWAL opens the write-ahead log. It turns bbolt's panics, which unreadable pages of the
// metadata cause, into errors.
func (l *diskLog) openWAL(logger hclog.Logger, vfs types.VFS) (err error) {
	if vfs == nil {
		vfs = walfs.New()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read the metadata of the log: %v", p)
		}
	}()
	if l.WAL, err = wal.Open(l.dir, wal.WithLogger(logger), wal.WithMetaStore(l.meta), wal.WithSegmentSize(segmentSize),
		wal.WithSegmentFiler(truncationFix{segment.NewFiler(l.dir, vfs)})); err != nil {
		return errors.Join(err, l.meta.Close())
	}
	return nil
}

// StoreLogs returns once the entries are synced, and they are acknowledged only then.
func (l *diskLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	checked := make([]*raft.Log, len(logs))
	for i, e := range logs {
		checked[i] = addChecksum(e)
	}
	if err := l.WAL.StoreLogs(checked); err != nil {
		return err
	}
	newest := logs[len(logs)-1]
	return l.watermark.advance(logPosition{newest.Index, newest.Term})
}

// StoreLog is StoreLogs of one entry.
func (l *diskLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

// GetLog returns an entry exactly as it was stored, or an error.
func (l *diskLog) GetLog(index uint64, e *raft.Log) error {
	if err := l.WAL.GetLog(index, e); err != nil {
		return err
	}
	if err := stripChecksum(index, e); err != nil {
		return fmt.Errorf("log entry %d in %s: %w", index, l.segmentOf(index), err)
	}
	return nil
}

// DeleteRange deletes entries: the oldest, which a snapshot holds, or the newest, which the
// leader does not have.
func (l *diskLog) DeleteRange(first, last uint64) error {
	end, err := l.LastIndex()
	if err != nil {
		return err
	}
	if last >= end {
		var before raft.Log
		_ = l.GetLog(first-1, &before) // there is no such entry directly after a snapshot
		if err := l.watermark.lower(logPosition{first - 1, before.Term}); err != nil {
			return err
		}
	}
	return l.WAL.DeleteRange(first, last)
}

// segmentOf returns the path of the segment that holds an entry, by the file names alone.
func (l *diskLog) segmentOf(index uint64) string {
	all, _ := filepath.Glob(filepath.Join(l.dir, "*.wal"))
	at := l.dir
	for _, f := range all { // sorted, and each named after its first entry
		var first, id uint64
		if n, _ := fmt.Sscanf(filepath.Base(f), "%d-%x.wal", &first, &id); n == 2 && first <= index {
			at = f
		}
	}
	return at
}

// Close also closes the metadata, which the write-ahead log leaves open, and so releases
// the lock that would keep this process from opening the log again.
func (l *diskLog) Close() error {
	return errors.Join(l.WAL.Close(), l.meta.Close(), l.watermark.Close())
}
