package record

import (
	"fmt"
	"path/filepath"
)

// LoadSummary reads what run and verdict a run directory holds and leaves out what
// is long: plan, links, events and operations.
func LoadSummary(path string) (*Run, error) {
	r := &Run{}
	found, err := readJSON(filepath.Join(path, RunFile), r)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("load run: %s is not a run directory: it has no %s", path, RunFile)
	}
	_, err = readJSON(filepath.Join(path, VerdictFile), &r.Result)
	r.canonicalChecks()
	return r, err
}
