package cleanup

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/cluster"
)

// CleanupLog is a run's list of what has to be undone, one JSON object a line,
// each on its way to the disk before the deed. A kill -9 loses nothing of it; a
// power cut may, but takes the deeds along.
type CleanupLog struct {
	dir  string
	file *os.File
}

var _ cluster.CleanupLog = (*CleanupLog)(nil)

const journalFile = "journal.jsonl"

func openJournal(run string) (*CleanupLog, error) {
	dir, err := folder(run)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &CleanupLog{dir, f}, nil
}

// Append writes one entry in one piece; it may be called by many at once.
func (j *CleanupLog) Append(e cluster.CleanupEntry) error {
	b, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("append %s %s to the journal: %w", e.What, e.ID, err)
	}
	return nil
}

// Close ends the writing; the file stays.
func (j *CleanupLog) Close() error { return j.file.Close() }

func (j *CleanupLog) path(name string) string { return filepath.Join(j.dir, name) }

// Entries reads the journal of a run, that of a dead owner too, whose last
// line may be broken off. No journal is no entries.
func Entries(run string) ([]cluster.CleanupEntry, error) {
	dir, err := folder(run)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal of run %s: %w", run, err)
	}
	defer f.Close()
	var out []cluster.CleanupEntry
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e cluster.CleanupEntry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			out = append(out, e)
		}
	}
	return out, lines.Err()
}
