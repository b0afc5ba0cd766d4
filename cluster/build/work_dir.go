package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// A build is under way in a folder of its own, which the building process keeps locked.
// The kernel frees the lock when the process ends, however it ends: a folder that is not
// locked was left by a process that was killed.

// workPrefix begins the names of folders in which a build is under way. Versions before
// these were locked began theirs with formerWorkPrefix.
const (
	workPrefix       = "building-"
	formerWorkPrefix = "build-"
)

// makeWorkDir makes a folder to build in. Its remove removes it.
func makeWorkDir(root string) (dir string, remove func() error, err error) {
	for {
		dir, err := os.MkdirTemp(root, workPrefix)
		if err != nil {
			return "", nil, err
		}
		lock := lockOf(dir)
		locked, err := lock.TryLock()
		if _, gone := os.Lstat(dir); err == nil && (!locked || gone != nil) {
			continue // somebody who removes unfinished builds was quicker
		}
		// Where a file system has no locks, nobody takes the folder for abandoned.
		return dir, func() error { return errors.Join(os.RemoveAll(dir), lock.Close()) }, nil
	}
}

func lockOf(dir string) *flock.Flock { return flock.New(dir, flock.SetFlag(os.O_RDONLY)) }

// Unfinished lists the folders of builds whose process was killed.
func Unfinished() ([]string, error) { return eachUnfinished(func(string) error { return nil }) }

// RemoveUnfinished removes the folders of builds whose process was killed, and lists them.
func RemoveUnfinished() ([]string, error) { return eachUnfinished(os.RemoveAll) }

// eachUnfinished calls do with each folder of a killed build, while it is locked.
func eachUnfinished(do func(dir string) error) (found []string, err error) {
	root, err := binDir()
	if err != nil {
		return nil, nil // no cache, and so no builds in it
	}
	all, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list unfinished builds: %w", err)
	}
	var errs []error
	for _, e := range all {
		dir := filepath.Join(root, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), workPrefix) {
			continue
		}
		lock := lockOf(dir)
		if locked, err := lock.TryLock(); err != nil || !locked {
			continue // a build is under way
		}
		if err := errors.Join(do(dir), lock.Close()); err != nil {
			errs = append(errs, fmt.Errorf("unfinished build %s: %w", dir, err))
			continue
		}
		found = append(found, dir)
	}
	return found, errors.Join(errs...)
}
