package build

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxUnused is how long a binary is kept that no run has asked for. Each
	// checkout has its own, and checkouts come and go.
	maxUnused = 30 * 24 * time.Hour
	// maxBuild is how long a build may take. An older folder of a build that is not
	// locked was left by a process that was killed.
	maxBuild = 24 * time.Hour
)

// binDir is the folder of built binaries in the user's cache.
func binDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "holdfast", "bin"), nil
}

// removeUnused removes binaries that have not been used for a month, and what killed
// builds of earlier versions have left. What cannot be removed stays, because it
// costs disk space and harms no build.
func removeUnused(root string, now time.Time) {
	all, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range all {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		limit := maxUnused
		switch {
		case strings.HasPrefix(e.Name(), workPrefix): // its lock says whether it is used
			continue
		case strings.HasPrefix(e.Name(), formerWorkPrefix):
			limit = maxBuild
		}
		if now.Sub(info.ModTime()) > limit {
			_ = os.RemoveAll(filepath.Join(root, e.Name()))
		}
	}
}
