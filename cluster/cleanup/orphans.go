package cleanup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
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
	}
	for _, lookup := range lookups {
		if id, ok := lookup(ctx, run); ok {
			return id.Liveness() == Dead
		}
	}
	return false
}
