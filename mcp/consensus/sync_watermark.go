package consensus

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// synced remembers in a file up to which entry the log has been synced. The
// write-ahead log cannot: it takes a last batch with a wrong checksum for one
// that a crash has torn, and drops it, which is right for a write that was
// never finished and wrong for one that was acknowledged.
//
// The file is written after each sync and not synced itself, which would double
// the price of a write. So it outlives the process always, and a power cut
// maybe in an older state: what it says was synced has been synced.
type synced struct {
	mu   sync.Mutex
	file *os.File
	at   place
}

// place is a position in the log: an entry, as raft compares them.
type place struct{ index, term uint64 }

// covers says whether a log that ends here is at least as complete as one that
// ends there: the rule by which raft votes.
func (p place) covers(q place) bool {
	return p.term > q.term || p.term == q.term && p.index >= q.index
}

func openSynced(path string) (*synced, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	had := !errors.Is(err, fs.ErrNotExist)
	if !had {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	}
	if err != nil {
		return nil, err
	}
	m := &synced{file: f}
	if had {
		err = m.load()
	} else {
		err = errors.Join(m.save(place{}), f.Sync(), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return m, nil
}

func (m *synced) load() error {
	b := make([]byte, 16+sealLen)
	if _, err := io.ReadFull(m.file, b); err != nil {
		return errChanged
	}
	v, err := checkedfile.StripChecksum(b)
	if err != nil {
		return err
	}
	m.at = place{binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])}
	return nil
}

// save writes in place: so few bytes are in one sector.
func (m *synced) save(at place) error {
	m.at = at
	b := binary.LittleEndian.AppendUint64(number(at.index), at.term)
	if _, err := m.file.WriteAt(checkedfile.AppendChecksum(b), 0); err != nil {
		return fmt.Errorf("note what is synced: %w", err)
	}
	return nil
}

// reach says that the log is synced up to an entry. While the log is shorter
// than the mark says, a tail was lost and is being made good: then the mark
// stays, so that a restart halfway has not forgotten it.
func (m *synced) reach(at place) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.index < m.at.index {
		return nil
	}
	return m.save(at)
}

// fallBack says that the entries behind this one are about to be deleted; a
// term of 0 is not known. This is synced: a mark that is too high would tell of
// a loss that is none.
func (m *synced) fallBack(to place) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to.index >= m.at.index {
		return nil
	}
	to.term = cmp.Or(to.term, m.at.term)
	return errors.Join(m.save(to), m.file.Sync())
}

func (m *synced) Close() error { return m.file.Close() }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
