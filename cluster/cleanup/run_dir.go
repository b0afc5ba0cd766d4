package cleanup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// Files in a run's folder. Other versions of holdfast look for them by these names.
const (
	lockFile  = "owner.lock"    // flock(2) held for the owner's life; the kernel frees it
	ownerFile = "owner"         // an Owner as text
	logFile   = "journal.jsonl" // what is to be undone, see cleanupLog
	sweepLog  = "watchdog.log"  // what the watchdog did
)

// runsDir is the folder with one folder a run. Where the user has no cache it
// is a folder of the user's own among temporary files.
func runsDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), "user-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "holdfast", "runs")
}

// runDir is the run's own. An id that would lead elsewhere is an error.
func runDir(run string) (string, error) {
	if run == "" || run != filepath.Base(run) || run == "." || run == ".." {
		return "", fmt.Errorf("%q is not the id of a run", run)
	}
	return filepath.Join(runsDir(), run), nil
}

// Runs lists the runs that have a folder here: those under way, and those
// whose owner and watchdog were both killed.
func Runs() ([]string, error) {
	all, err := os.ReadDir(runsDir())
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

// Remove removes the run's folder: its clean-up log, its lock and its watchdog's log.
func Remove(run string) error {
	dir, err := runDir(run)
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// acquire makes the run's folder and takes its lock for this process.
func acquire(run string) (*flock.Flock, error) {
	dir, err := runDir(run)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	case !ok:
		return nil, fmt.Errorf("lock %s: another process owns this run", lock.Path())
	}
	// At once and whole, since others may be about to read it. What a kill leaves of that is in the run's own folder.
	if err := durable.WriteFile(filepath.Join(dir, ownerFile), []byte(Self().String()), 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// isLocked says whether a process holds the run's lock. It finds out by taking
// the lock for an instant, and makes none where there is none.
func isLocked(dir string) bool {
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	if ok {
		_ = lock.Close()
	}
	return err == nil && !ok // another user's lock cannot be opened, and then nothing is known
}
