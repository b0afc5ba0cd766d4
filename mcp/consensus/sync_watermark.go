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

// syncWatermark remembers in a file up to which entry the log has been synced. The
// write-ahead log cannot know: it takes a last batch with a wrong checksum for one that a
// crash has torn, and drops it. That is right for a write that was never finished, and
// wrong for one that was acknowledged.
//
// The file is written after each sync of the log, and not synced itself, which would
// double the cost of a write. So it always survives the process, and after a power cut
// may be in an older state, which is still true: that entry had been synced.
type syncWatermark struct {
	mu   sync.Mutex
	file *os.File
	at   logPosition // the last entry that was synced
}

// logPosition is an entry's position in the log, as raft compares logs when it votes.
type logPosition struct{ index, term uint64 }

// covers reports whether a log that ends at p is at least as complete as one that ends at
// q: the rule by which raft votes (Raft paper, section 5.4.1).
func (p logPosition) covers(q logPosition) bool {
	return p.term > q.term || p.term == q.term && p.index >= q.index
}

func openSyncWatermark(path string) (*syncWatermark, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	had := !errors.Is(err, fs.ErrNotExist)
	if !had {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	}
	if err != nil {
		return nil, err
	}
	m := &syncWatermark{file: f}
	if had {
		err = m.load()
	} else {
		err = errors.Join(m.save(logPosition{}), f.Sync(), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return m, nil
}

func (m *syncWatermark) load() error {
	b := make([]byte, 16+checksumLen)
	if _, err := io.ReadFull(m.file, b); err != nil {
		return errChecksum
	}
	v, err := checkedfile.StripChecksum(b)
	if err != nil {
		return err
	}
	m.at = logPosition{binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])}
	return nil
}

// save writes in place, because so few bytes are in one sector.
func (m *syncWatermark) save(at logPosition) error {
	m.at = at
	b := binary.LittleEndian.AppendUint64(encodeUint64(at.index), at.term)
	if _, err := m.file.WriteAt(checkedfile.AppendChecksum(b), 0); err != nil {
		return fmt.Errorf("write the sync watermark: %w", err)
	}
	return nil
}

// advance records that the log is synced up to an entry. While the log is shorter than the
// watermark, a tail was lost and is being sent again. The watermark then stays, so that a
// restart in between does not forget the loss.
func (m *syncWatermark) advance(at logPosition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.index < m.at.index {
		return nil
	}
	return m.save(at)
}

// lower records that the entries after this one are about to be deleted; a term of 0 is
// unknown. It is synced, because a watermark that is too high would report a loss that
// never happened.
func (m *syncWatermark) lower(to logPosition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to.index >= m.at.index {
		return nil
	}
	to.term = cmp.Or(to.term, m.at.term)
	return errors.Join(m.save(to), m.file.Sync())
}

func (m *syncWatermark) Close() error { return m.file.Close() }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
