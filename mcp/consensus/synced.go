package consensus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
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
	at   uint64
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
		err = errors.Join(m.save(0), f.Sync(), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return m, nil
}

func (m *synced) load() error {
	b := make([]byte, 8+sealLen)
	if _, err := io.ReadFull(m.file, b); err != nil {
		return errChanged
	}
	v, err := unsealValue(b)
	if err == nil {
		m.at, err = parseNumber(v)
	}
	return err
}

// save writes in place: so few bytes are in one sector.
func (m *synced) save(at uint64) error {
	m.at = at
	if _, err := m.file.WriteAt(sealValue(number(at)), 0); err != nil {
		return fmt.Errorf("note what is synced: %w", err)
	}
	return nil
}

// reach says that the log is synced up to an entry.
func (m *synced) reach(at uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.save(at)
}

// fallBack says that the entries behind this one are about to be deleted. This
// is synced: a mark that is too high would tell of a loss that is none.
func (m *synced) fallBack(to uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to >= m.at {
		return nil
	}
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
