package consensus

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// snapshotStore is raft's store of snapshots in files. It has a checksum of each snapshot's
// content, in the snapshot's meta.json, but none of meta.json itself, which holds the
// index of the last entry and the members. A file beside it adds that one.
type snapshotStore struct {
	*raft.FileSnapshotStore
	dir string
}

const (
	metaFile         = "meta.json"
	metaChecksumFile = "meta.sum"
)

func openSnapshots(dir string, logger hclog.Logger) (*snapshotStore, error) {
	s, err := raft.NewFileSnapshotStoreWithLogger(dir, 2, logger)
	if err != nil {
		return nil, fmt.Errorf("open consensus snapshots: %w", err)
	}
	return &snapshotStore{s, filepath.Join(dir, "snapshots")}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshotStore) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.FileSnapshotStore.Create(v, index, term, c, at, t)
	if err != nil {
		return nil, err
	}
	return &checksummedSink{SnapshotSink: sink, dir: filepath.Join(s.dir, sink.ID())}, nil
}

// checksummedSink adds the checksum of meta.json once the snapshot is complete.
type checksummedSink struct {
	raft.SnapshotSink
	dir string
}

func (s *checksummedSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(s.dir, metaFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // closed a second time, after newer snapshots have replaced it
	}
	if err != nil {
		return fmt.Errorf("write checksum of snapshot: %w", err)
	}
	f, err := os.Create(filepath.Join(s.dir, metaChecksumFile))
	if err != nil {
		return fmt.Errorf("write checksum of snapshot: %w", err)
	}
	_, err = f.Write(checkedfile.AppendChecksum(meta)[len(meta):])
	return errors.Join(err, f.Sync(), f.Close())
}

// verify reads the newest snapshot to its end to verify it and returns the index of its last entry, 0 when
// there is no snapshot. Raft itself would fall back to an older one, although the log may
// begin after that.
func (s *snapshotStore) verify() (index uint64, err error) {
	all, err := s.List()
	if err != nil {
		return 0, fmt.Errorf("list snapshots: %w", err)
	}
	if len(all) == 0 {
		return 0, nil
	}
	newest := slices.MaxFunc(all, func(a, b *raft.SnapshotMeta) int { return cmp.Compare(a.Index, b.Index) })
	for _, m := range all { // which is the newest is known only from verified metadata
		if err := s.verifyMeta(m.ID); err != nil {
			return 0, fmt.Errorf("snapshot %s: %w", m.ID, err)
		}
	}
	_, r, err := s.Open(newest.ID)
	if err != nil {
		return 0, fmt.Errorf("snapshot %s: %w", newest.ID, err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != newest.Size {
		return 0, errors.Join(fmt.Errorf("snapshot %s: only %d of its %d bytes can be read", newest.ID, n, newest.Size), err)
	}
	return newest.Index, nil
}

// verifyMeta compares meta.json with its checksum. A snapshot without one was made by a
// process that died before it had written it.
func (s *snapshotStore) verifyMeta(id string) error {
	sum, err := os.ReadFile(filepath.Join(s.dir, id, metaChecksumFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(s.dir, id, metaFile))
	if err != nil {
		return err
	}
	if _, err := checkedfile.StripChecksum(append(meta, sum...)); err != nil {
		return fmt.Errorf("%s: %w", metaFile, err)
	}
	return nil
}
