package cleanup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// OwnerLookup finds the owner of a run by what the run made, such as labels; ok
// is false where that does not name one.
type OwnerLookup func(ctx context.Context, run string) (id Owner, ok bool)

// Orphans picks the runs whose owner is certainly gone. The run's folder
// decides; where there is none (another user's, another cache) the lookups do,
// in order. A run of which nobody knows the owner is no orphan.
func Orphans(ctx context.Context, runs []string, lookups ...OwnerLookup) []string {
	var out []string
	for _, run := range runs {
		if isOrphan(ctx, run, lookups) {
			out = append(out, run)
		}
	}
	return out
}

func isOrphan(ctx context.Context, run string, lookups []OwnerLookup) bool {
	if dir, err := runDir(run); err == nil {
		if isLocked(dir) {
			return false
		}
		text, rerr := os.ReadFile(filepath.Join(dir, ownerFile))
		if id, perr := ParseOwner(strings.TrimSpace(string(text))); rerr == nil && perr == nil {
			return id.Liveness() == Dead
		}
		if errors.Is(rerr, fs.ErrNotExist) && neverOwned(dir) {
			return true
		}
	}
	for _, lookup := range lookups {
		if id, ok := lookup(ctx, run); ok {
			return id.Liveness() == Dead
		}
	}
	return false
}

// acquireTime is much more than a process takes from making a run's folder to locking
// it and writing down its owner.
const acquireTime = time.Second

// neverOwned says whether the process that made the folder was killed before it could
// write down that it owns the run. It had made nothing else then: one that is only very
// slow fails, without harm, when the folder is removed meanwhile.
func neverOwned(dir string) bool {
	is, err := os.Stat(dir)
	if err != nil {
		return false
	}
	time.Sleep(min(acquireTime, time.Until(is.ModTime().Add(acquireTime))))
	_, err = os.Stat(filepath.Join(dir, ownerFile))
	return errors.Is(err, fs.ErrNotExist) && !isLocked(dir)
}
