package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/history"
)

// Load reads a run directory. A file that is missing or truncated, as after a kill, is
// listed in Run.Partial and the rest is returned. The error names a file that
// cannot be parsed, exceeds the bounds of a run directory, is a symbolic link, or has a schema later
// than Schema.
func Load(path string) (_ *Run, err error) {
	root, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	r, err := loadSummary(root)
	if err != nil {
		return nil, err
	}
	gap := func(format string, args ...any) { r.Partial = append(r.Partial, fmt.Sprintf(format, args...)) }

	found, err := readJSON(root, PlanFile, &r.Plan, nil)
	if err != nil {
		return nil, err
	}
	if !found {
		gap("%s is missing", PlanFile)
	}
	if found && r.Schema < Schema {
		if r.Plan, err = UpgradePlan(r.Plan); err != nil {
			return nil, fmt.Errorf("load %s: %w", filepath.Join(path, PlanFile), err)
		}
	}
	if _, err = readJSON(root, LinksFile, &r.Matrices, nil); err != nil {
		return nil, err
	}
	cut, err := r.loadEvents(root)
	if err != nil {
		return nil, err
	}
	if cut {
		gap("%s ends in the middle of its last line", EventsFile)
	}
	cut, err = r.loadHistory(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		gap("%s is missing", HistoryFile)
	case err != nil:
		return nil, err
	case cut:
		gap("%s is cut off after %d operations", HistoryFile, len(r.Ops))
	}
	if r.Machine, err = readLines[MachineSample](root, MachineFile); err != nil {
		return nil, err
	}
	changes, err := r.changes(root)
	if err != nil {
		return nil, err
	}
	r.Partial = append(r.Partial, changes...)
	return r, nil
}

// LoadSummary reads run.json and verdict.json of a run directory. It leaves out what
// takes long to read: plan, links, events and operations.
func LoadSummary(path string) (_ *Run, err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return loadSummary(root)
}

func loadSummary(root *os.Root) (*Run, error) {
	r := &Run{}
	found, err := readJSON(root, RunFile, r, formerRun)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("load run: %s is not a run directory: it has no %s", root.Name(), RunFile)
	}
	_, err = readJSON(root, VerdictFile, &r.Result, formerResult)
	return r, err
}

// readJSON reads a file into a value and reports whether it exists. With former names given, the
// file has a schema: a later one than Schema is an error, and an earlier one is translated.
func readJSON(root *os.Root, name string, into any, former names) (found bool, err error) {
	path := filepath.Join(root.Name(), name)
	b, err := readFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	if former != nil {
		var is struct{ Schema int }
		if err := json.Unmarshal(b, &is); err != nil {
			return true, fmt.Errorf("load %s: %w", path, err)
		}
		if is.Schema > Schema {
			return true, fmt.Errorf("load %s: schema %d is later than this program's %d", path, is.Schema, Schema)
		}
		if is.Schema < Schema {
			if b, err = former.upgrade(b); err != nil {
				return true, fmt.Errorf("load %s: %w", path, err)
			}
		}
	}
	if err := json.Unmarshal(b, into); err != nil {
		return true, fmt.Errorf("load %s: %w", path, err)
	}
	return true, nil
}

func (r *Run) loadHistory(root *os.Root) (cut bool, err error) {
	f, err := openFile(root, HistoryFile)
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	defer f.Close()
	r.Ops, cut, err = history.LoadFile(f)
	return cut, err
}

// loadEvents reads the events. Cut is true when the last line is incomplete.
func (r *Run) loadEvents(root *os.Root) (cut bool, err error) {
	f, err := openFile(root, EventsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	defer f.Close()
	if is, err := f.Stat(); err != nil {
		return false, fmt.Errorf("load run: %w", err)
	} else if is.Size() > maxEventsFile {
		return false, fmt.Errorf("load %s: it is longer than %d MiB, the most that is read of a run's events", f.Name(), maxEventsFile>>20)
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxEventLine)
	lines.Split(func(data []byte, atEOF bool) (advance int, token []byte, err error) {
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			return end + 1, data[:end], nil
		}
		cut = atEOF && len(data) > 0
		return 0, nil, nil
	})
	n := 1
	for ; lines.Scan(); n++ {
		if n > maxEvents {
			return false, fmt.Errorf("load %s: it has more than %d events, the most that are read of a run", f.Name(), maxEvents)
		}
		e, err := r.readEvent(lines.Bytes())
		if err != nil {
			return false, fmt.Errorf("load %s:%d: %w", f.Name(), n, err)
		}
		r.Events = append(r.Events, e)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return false, fmt.Errorf("load %s:%d: the line is longer than %d MiB, the most that an event may have", f.Name(), n, maxEventLine>>20)
	case err != nil:
		return false, fmt.Errorf("load %s: %w", f.Name(), err)
	}
	return cut, nil
}

func (r *Run) readEvent(line []byte) (e Event, err error) {
	if r.Schema < Schema {
		return upgradeEvent(line)
	}
	return e, json.Unmarshal(line, &e)
}
