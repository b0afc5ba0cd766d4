package cleanup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// home is the folder with one folder a run. Where the user has no cache it is
// a folder of the user's own among temporary files.
func home() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), "user-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "holdfast", "runs")
}

// folder is the run's own. An id that would lead elsewhere is an error.
func folder(run string) (string, error) {
	if run == "" || run != filepath.Base(run) || run == "." || run == ".." {
		return "", fmt.Errorf("%q is not the id of a run", run)
	}
	return filepath.Join(home(), run), nil
}

// Runs lists the runs that have a folder here: those under way, and those
// whose owner and watchdog were both killed.
func Runs() ([]string, error) {
	all, err := os.ReadDir(home())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var out []string
	for _, d := range all {
		if d.IsDir() {
			out = append(out, d.Name())
		}
	}
	return out, nil
}

// Remove removes the run's folder: its journal, its lock and its watchdog's log.
func Remove(run string) error {
	dir, err := folder(run)
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
