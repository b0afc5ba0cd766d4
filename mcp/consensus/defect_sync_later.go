package consensus

import (
	"sync"
	"time"

	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

// syncInterval is how long after a sync the defective log takes the next one for done.
const syncInterval = 300 * time.Millisecond

// lateSyncs is the defect sync-later: a file system of the log that writes at once and
// syncs every now and then, as a database does that syncs at intervals. A process
// that is killed loses nothing, for the kernel has what was written. When all nodes
// lose power at once, what they acknowledged since the last sync is lost.
type lateSyncs struct{ types.VFS }

// files is the file system of the log, nil for the machine's.
func (c Config) files() types.VFS {
	if !c.Defects.SyncLater {
		return c.vfs
	}
	below := c.vfs
	if below == nil {
		below = walfs.New()
	}
	return lateSyncs{below}
}

// Create implements types.VFS.
func (l lateSyncs) Create(dir, name string, size uint64) (types.WritableFile, error) {
	return lateSyncsOf(l.VFS.Create(dir, name, size))
}

// OpenWriter implements types.VFS.
func (l lateSyncs) OpenWriter(dir, name string) (types.WritableFile, error) {
	return lateSyncsOf(l.VFS.OpenWriter(dir, name))
}

func lateSyncsOf(f types.WritableFile, err error) (types.WritableFile, error) {
	if err != nil {
		return nil, err
	}
	return &lateSyncsFile{WritableFile: f}, nil
}

type lateSyncsFile struct {
	types.WritableFile
	mu     sync.Mutex
	synced time.Time
}

// Sync is the defect: most of the time it returns before anything is on disk.
func (f *lateSyncsFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.synced) < syncInterval {
		return nil
	}
	if err := f.WritableFile.Sync(); err != nil {
		return err
	}
	f.synced = time.Now()
	return nil
}
