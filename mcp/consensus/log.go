package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
)

// diskLog is the node's log and votes, synced to disk before they count.
type diskLog struct {
	*wal.WAL
	meta *metadb.BoltMetaDB
}

func openLog(dir string, logger hclog.Logger) (*diskLog, error) {
	dir = filepath.Join(dir, "log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open consensus log: %w", err)
	}
	meta := &metadb.BoltMetaDB{}
	w, err := wal.Open(dir, wal.WithLogger(logger), wal.WithMetaStore(meta))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open consensus log: %w", err), meta.Close())
	}
	return &diskLog{w, meta}, nil
}

// Close also closes the metadata, which the WAL keeps open, and with it the
// lock that would keep this process from opening the log again.
func (l *diskLog) Close() error { return errors.Join(l.WAL.Close(), l.meta.Close()) }
