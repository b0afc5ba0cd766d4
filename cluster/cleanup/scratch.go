package cleanup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Scratch makes a folder for what the run's nodes write. It bears the run's
// name, so that SweepScratch finds it when its owner is gone.
func Scratch(run string) (string, error) {
	if _, err := runDir(run); err != nil {
		return "", err
	}
	return os.MkdirTemp("", "holdfast-"+run+"-")
}

// scratchDirs lists the scratch folders of a run and of no other.
func scratchDirs(run string) ([]string, error) {
	if _, err := runDir(run); err != nil {
		return nil, err
	}
	all, err := os.ReadDir(os.TempDir())
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range all {
		random, ok := strings.CutPrefix(e.Name(), "holdfast-"+run+"-")
		if ok && e.IsDir() && strings.Trim(random, "0123456789") == "" {
			out = append(out, filepath.Join(os.TempDir(), e.Name()))
		}
	}
	return out, nil
}

// SweepScratch removes a run's scratch folders and returns which they were.
func SweepScratch(_ context.Context, run string) (removed []string, err error) {
	dirs, err := scratchDirs(run)
	if err != nil {
		return nil, fmt.Errorf("sweep folders of run %s: %w", run, err)
	}
	var errs []error
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, fmt.Errorf("sweep folders of run %s: %w", run, err))
			continue
		}
		removed = append(removed, "folder "+dir)
	}
	return removed, errors.Join(errs...)
}
