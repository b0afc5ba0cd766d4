package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/history"
)

// Load reads a run directory. It takes the record of a run that was killed:
// what is missing or cut off is listed in Partial and the rest is returned. An
// error names the file that cannot be understood.
func Load(path string) (*Run, error) {
	r := &Run{}
	found, err := readJSON(filepath.Join(path, RunFile), r)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("load run: %s is not a run directory: it has no %s", path, RunFile)
	}
	if r.Schema > Schema {
		return nil, fmt.Errorf("load %s: schema %d is later than this program's %d", filepath.Join(path, RunFile), r.Schema, Schema)
	}
	gap := func(format string, args ...any) { r.Partial = append(r.Partial, fmt.Sprintf(format, args...)) }

	if found, err = readJSON(filepath.Join(path, PlanFile), &r.Plan); err != nil {
		return nil, err
	} else if !found {
		gap("%s is missing", PlanFile)
	}
	if _, err = readJSON(filepath.Join(path, LinksFile), &r.Matrices); err != nil {
		return nil, err
	}
	if _, err = readJSON(filepath.Join(path, VerdictFile), &r.Result); err != nil {
		return nil, err
	}
	r.canonicalChecks()
	cut, err := r.loadEvents(filepath.Join(path, EventsFile))
	if err != nil {
		return nil, err
	}
	if cut {
		gap("%s ends in the middle of its last line", EventsFile)
	}
	r.Ops, cut, err = history.Load(filepath.Join(path, HistoryFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		gap("%s is missing", HistoryFile)
	case err != nil:
		return nil, err
	case cut:
		gap("%s is cut off after %d operations", HistoryFile, len(r.Ops))
	}
	if r.Checksummed {
		changes, err := unsealed(path)
		if err != nil {
			return nil, err
		}
		r.Partial = append(r.Partial, changes...)
	}
	return r, nil
}

// readJSON says whether the file was there.
func readJSON(path string, into any) (found bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return true, fmt.Errorf("load %s: %w", path, err)
	}
	return true, nil
}

// loadEvents reads the events; cut says that the last line has no end.
func (r *Run) loadEvents(path string) (cut bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return len(line) > 0, nil
		}
		if err != nil {
			return false, fmt.Errorf("load %s: %w", path, err)
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return false, fmt.Errorf("load %s:%d: %w", path, n, err)
		}
		r.Events = append(r.Events, e)
	}
}
