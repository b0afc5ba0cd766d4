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

// cleanupLog is a run's clean-up log: what has to be undone, one JSON object a line,
// each handed to the kernel before the thing is made. A kill -9 loses nothing of
// it. A power cut may, but then the processes and containers are gone too.
type cleanupLog struct{ file *os.File }

var _ cluster.CleanupLog = (*cleanupLog)(nil)

func openLog(run string) (*cleanupLog, error) {
	dir, err := runDir(run)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open clean-up log: %w", err)
	}
	return &cleanupLog{f}, nil
}

// Append writes one entry in one piece; it may be called by many at once.
func (l *cleanupLog) Append(e cluster.CleanupEntry) error {
	b, err := json.Marshal(e)
	if err == nil {
		_, err = l.file.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("append %s %s to the clean-up log: %w", e.What, e.ID, err)
	}
	return nil
}

func (l *cleanupLog) close() error { return l.file.Close() }

// Entries reads the clean-up log of a run, whether its owner lives or not. A last line
// that a dead owner has not finished is left out. Without a clean-up log there are no
// entries, which is no error.
func Entries(run string) ([]cluster.CleanupEntry, error) {
	dir, err := runDir(run)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read clean-up log of run %s: %w", run, err)
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
