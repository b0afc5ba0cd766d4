package cleanup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	lockFile  = "owner.lock" // flock(2) held for the owner's life; the kernel frees it
	ownerFile = "owner"      // the owner's Owner
)

// own makes the run's folder and takes its lock for this process.
func own(run string) (*os.File, error) {
	dir, err := folder(run)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: somebody owns this run: %w", f.Name(), err), f.Close())
	}
	err = os.WriteFile(filepath.Join(dir, ownerFile), []byte(Self().String()), 0o600)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// OwnerLookup tells the owner of a run from what the run made, such as labels; ok is
// false where that does not say.
type OwnerLookup func(ctx context.Context, run string) (id Owner, ok bool)

// Orphans picks the runs whose owner is gone for certain. The run's folder
// decides; where there is none (another user's, another cache) the asked ones
// do, in order. A run of which nobody knows the owner is not abandoned.
func Orphans(ctx context.Context, runs []string, asks ...OwnerLookup) []string {
	var out []string
	for _, run := range runs {
		if abandoned(ctx, run, asks) {
			out = append(out, run)
		}
	}
	return out
}

func abandoned(ctx context.Context, run string, asks []OwnerLookup) bool {
	if dir, err := folder(run); err == nil {
		free, err := isFree(filepath.Join(dir, lockFile))
		if err == nil && !free {
			return false
		}
		text, rerr := os.ReadFile(filepath.Join(dir, ownerFile))
		if id, perr := ParseOwner(strings.TrimSpace(string(text))); rerr == nil && perr == nil {
			return id.Liveness() == Dead
		}
	}
	for _, ask := range asks {
		if id, ok := ask(ctx, run); ok {
			return id.Liveness() == Dead
		}
	}
	return false
}

// isFree says whether nobody holds the lock. It looks by taking it for an instant.
func isFree(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return true, err
	}
	if err != nil {
		return false, err // another user's: it cannot be told
	}
	defer f.Close()
	return lock(f) == nil, nil
}
