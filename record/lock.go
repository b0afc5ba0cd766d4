package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// LockFile is held locked, with flock(2), by the process that executes a run or
// rewrites its files. It names that process. The kernel releases the lock when
// the process ends, however it ends, so a run that was killed counts as finished.
const LockFile = "run.lock"

// Activity is what the holder of a run directory's lock does with it.
type Activity string

// The activities that need the lock.
const (
	Executing Activity = "executing"
	Rewriting Activity = "rewriting"
)

// InUseError is the error for a run directory that a process has locked.
type InUseError struct {
	Path     string // of the run directory
	PID      int    // of the process; 0 where the lock file does not name it yet
	Activity Activity
}

func (e InUseError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	doing := "has locked"
	if e.Activity != "" {
		doing = "is still " + string(e.Activity)
	}
	return fmt.Sprintf("%s %s run %s; wait until it has ended", holder, doing, e.Path)
}

// lockTimeout is longer than InUse of another process holds the lock in order to test it.
const lockTimeout = 500 * time.Millisecond

// lockDir locks a run directory for this process. The error is an InUseError
// where another holds the lock.
func lockDir(path string, what Activity) (*flock.Flock, error) {
	file := filepath.Join(path, LockFile)
	l := flock.New(file, flock.SetPermissions(0o644))
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	locked, err := l.TryLockContext(ctx, lockTimeout/50)
	switch {
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("lock %s: %w", file, err)
	case !locked:
		return nil, errors.Join(holder(path), l.Close())
	}
	// The file is written in place: a new one would not be the one that is locked.
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d %s\n", os.Getpid(), what), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file, err), l.Close())
	}
	return l, nil
}

// holder reads from the lock file who holds the lock.
func holder(path string) InUseError {
	e := InUseError{Path: path}
	if text, err := os.ReadFile(filepath.Join(path, LockFile)); err == nil {
		_, _ = fmt.Sscan(string(text), &e.PID, &e.Activity) // what is missing stays unknown
	}
	return e
}

// InUse returns an InUseError while a process executes the run or rewrites its
// files, and nil when none does. Directories of earlier versions have no lock
// file and are not in use.
func InUse(path string) error {
	file := filepath.Join(path, LockFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l := flock.New(file)
	free, err := l.TryRLock()
	if err != nil {
		return fmt.Errorf("test the lock of %s: %w", path, err)
	}
	if !free {
		return errors.Join(holder(path), l.Close())
	}
	return l.Close()
}

// unlock lets others write to the directory. It may be called again.
func (d *Dir) unlock() error {
	if !d.lock.Locked() {
		return nil
	}
	// The holder's name is removed before the lock is released, so that a free lock names nobody.
	err := os.Truncate(filepath.Join(d.Path, LockFile), 0)
	return errors.Join(err, d.lock.Close())
}
