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
	r, err := LoadSummary(path)
	if err != nil {
		return nil, err
	}
	gap := func(format string, args ...any) { r.Partial = append(r.Partial, fmt.Sprintf(format, args...)) }

	found, err := readJSON(filepath.Join(path, PlanFile), &r.Plan, nil)
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
	if _, err = readJSON(filepath.Join(path, LinksFile), &r.Matrices, nil); err != nil {
		return nil, err
	}
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

// LoadSummary reads what run and verdict a run directory holds and leaves out what
// is long: plan, links, events and operations.
func LoadSummary(path string) (*Run, error) {
	r := &Run{}
	found, err := readJSON(filepath.Join(path, RunFile), r, formerRun)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("load run: %s is not a run directory: it has no %s", path, RunFile)
	}
	_, err = readJSON(filepath.Join(path, VerdictFile), &r.Result, formerResult)
	return r, err
}

// readJSON says whether the file was there. A file that says its schema is refused when that
// is a later one, and translated by former when it is an earlier one.
func readJSON(path string, into any, former names) (found bool, err error) {
	b, err := os.ReadFile(path)
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
		e, err := r.readEvent(line)
		if err != nil {
			return false, fmt.Errorf("load %s:%d: %w", path, n, err)
		}
		r.Events = append(r.Events, e)
	}
}

func (r *Run) readEvent(line []byte) (e Event, err error) {
	if r.Schema < Schema {
		return upgradeEvent(line)
	}
	return e, json.Unmarshal(line, &e)
}
