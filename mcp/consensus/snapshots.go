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

// snapshots is raft's store of snapshots in files. That has a checksum of a
// snapshot's content, in its meta.json, and none of meta.json, which says to
// which entry it reaches and who votes; so that gets one here, in a file beside it.
type snapshots struct {
	*raft.FileSnapshotStore
	dir string
}

const (
	metaFile = "meta.json"
	metaSum  = "meta.sum"
)

func openSnapshots(dir string, logger hclog.Logger) (*snapshots, error) {
	s, err := raft.NewFileSnapshotStoreWithLogger(dir, 2, logger)
	if err != nil {
		return nil, fmt.Errorf("open consensus snapshots: %w", err)
	}
	return &snapshots{s, filepath.Join(dir, "snapshots")}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshots) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.FileSnapshotStore.Create(v, index, term, c, at, t)
	if err != nil {
		return nil, err
	}
	return &summed{SnapshotSink: sink, dir: filepath.Join(s.dir, sink.ID())}, nil
}

// summed adds the checksum once the snapshot is whole and in its place.
type summed struct {
	raft.SnapshotSink
	dir string
}

func (s *summed) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(s.dir, metaFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // closed a second time, and replaced by newer ones meanwhile
	}
	if err != nil {
		return fmt.Errorf("sum up snapshot: %w", err)
	}
	f, err := os.Create(filepath.Join(s.dir, metaSum))
	if err != nil {
		return fmt.Errorf("sum up snapshot: %w", err)
	}
	_, err = f.Write(checkedfile.AppendChecksum(meta)[len(meta):])
	return errors.Join(err, f.Sync(), f.Close())
}

// verify reads the newest snapshot through and returns the entry that it
// reaches to, 0 when there is none. Raft would fall back to an older one, though
// the log may begin behind that.
func (s *snapshots) verify() (index uint64, err error) {
	all, err := s.List()
	if err != nil {
		return 0, fmt.Errorf("list snapshots: %w", err)
	}
	if len(all) == 0 {
		return 0, nil
	}
	newest := slices.MaxFunc(all, func(a, b *raft.SnapshotMeta) int { return cmp.Compare(a.Index, b.Index) })
	for _, m := range all { // the newest by its own word may not be
		if err := s.metaIsWhole(m.ID); err != nil {
			return 0, fmt.Errorf("snapshot %s: %w", m.ID, err)
		}
	}
	_, r, err := s.Open(newest.ID)
	if err != nil {
		return 0, fmt.Errorf("snapshot %s: %w", newest.ID, err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != newest.Size {
		return 0, errors.Join(fmt.Errorf("snapshot %s: %d bytes of %d can be read", newest.ID, n, newest.Size), err)
	}
	return newest.Index, nil
}

// metaIsWhole compares meta.json with its checksum. One without was made by a
// process that died before it had written it.
func (s *snapshots) metaIsWhole(id string) error {
	sum, err := os.ReadFile(filepath.Join(s.dir, id, metaSum))
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
