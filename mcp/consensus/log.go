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

// diskLog is the node's log and, in a file of their own, its votes (votes.go);
// both are synced to disk before they count. What
// the write-ahead log below does not notice by itself, it does: an entry that
// the disk has changed since (seal.go), and one that the disk has lost though
// it was synced (synced.go).
type diskLog struct {
	*wal.WAL
	votes *votes
	meta  *metadb.BoltMetaDB
	mark  *synced
	dir   string
}

// segmentSize is how much disk one file of the log takes from its beginning
// on. A file is given back when snapshots hold all that is in it.
const segmentSize = 8 << 20

// openLog opens the log of a node; a nil vfs is the machine's own files. One that is damaged is an error which says
// what to do; see verify.
func openLog(dir string, logger hclog.Logger, vfs types.VFS) (_ *diskLog, err error) {
	dir = filepath.Join(dir, "log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open consensus log: %w", err)
	}
	l := &diskLog{meta: &metadb.BoltMetaDB{}, dir: dir}
	if l.mark, err = openSynced(filepath.Join(dir, "synced")); err != nil {
		return nil, damaged(dir, err)
	}
	if l.votes, err = openVotes(filepath.Join(dir, "votes"), l.mark.at.index > 0); err != nil {
		return nil, damaged(dir, errors.Join(err, l.mark.Close()))
	}
	if err := l.openWAL(logger, vfs); err != nil {
		return nil, damaged(dir, errors.Join(err, l.mark.Close()))
	}
	return l, nil
}

// openWAL turns the panics of bbolt, which it has for pages that make no
// sense, into errors.
func (l *diskLog) openWAL(logger hclog.Logger, vfs types.VFS) (err error) {
	if vfs == nil {
		vfs = walfs.New()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("metadata of the log cannot be read: %v", p)
		}
	}()
	if l.WAL, err = wal.Open(l.dir, wal.WithLogger(logger), wal.WithMetaStore(l.meta), wal.WithSegmentSize(segmentSize),
		wal.WithSegmentFiler(readable{segment.NewFiler(l.dir, vfs)})); err != nil {
		return errors.Join(err, l.meta.Close())
	}
	return nil
}

// StoreLogs returns once the entries are synced; only then are they acknowledged.
func (l *diskLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	sealed := make([]*raft.Log, len(logs))
	for i, e := range logs {
		sealed[i] = seal(e)
	}
	if err := l.WAL.StoreLogs(sealed); err != nil {
		return err
	}
	newest := logs[len(logs)-1]
	return l.mark.reach(place{newest.Index, newest.Term})
}

// StoreLog is StoreLogs of one.
func (l *diskLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

// GetLog returns an entry as it was stored, or an error.
func (l *diskLog) GetLog(index uint64, e *raft.Log) error {
	if err := l.WAL.GetLog(index, e); err != nil {
		return err
	}
	if err := unseal(index, e); err != nil {
		return fmt.Errorf("log entry %d in %s: %w", index, l.file(index), err)
	}
	return nil
}

// DeleteRange forgets entries: the oldest, which a snapshot holds, or the
// newest, which the leader does not have.
func (l *diskLog) DeleteRange(first, last uint64) error {
	end, err := l.LastIndex()
	if err != nil {
		return err
	}
	if last >= end {
		var before raft.Log
		_ = l.GetLog(first-1, &before) // there is none where a snapshot takes over
		if err := l.mark.fallBack(place{first - 1, before.Term}); err != nil {
			return err
		}
	}
	return l.WAL.DeleteRange(first, last)
}

// file names the segment that holds an entry, as far as names tell.
func (l *diskLog) file(index uint64) string {
	all, _ := filepath.Glob(filepath.Join(l.dir, "*.wal"))
	at := l.dir
	for _, f := range all { // sorted, each named after its first entry
		var first, id uint64
		if n, _ := fmt.Sscanf(filepath.Base(f), "%d-%x.wal", &first, &id); n == 2 && first <= index {
			at = f
		}
	}
	return at
}

// Close also closes the metadata, which the WAL keeps open, and with it the
// lock that would keep this process from opening the log again.
func (l *diskLog) Close() error {
	return errors.Join(l.WAL.Close(), l.meta.Close(), l.mark.Close())
}
