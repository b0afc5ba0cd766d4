package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// leftCgroups finds the cgroups of runs, in every hierarchy: run to folders.
// One that nobody looks at costs nothing, but names are for a run alone.
func leftCgroups() map[string][]string {
	out := map[string][]string{}
	for _, h := range mounted() {
		_ = filepath.WalkDir(h.mount, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil // another's, or gone meanwhile
			}
			run, ours := strings.CutPrefix(d.Name(), cgroupPrefix)
			if !ours || strings.HasPrefix(run, "probe-") {
				return nil
			}
			out[run] = append(out[run], path)
			return filepath.SkipDir
		})
	}
	return out
}

// removeCgroup removes a run's cgroup with those of its nodes; they must be empty.
func removeCgroup(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return notThereIsFine(err)
	}
	for _, e := range all {
		if e.IsDir() {
			if err := os.Remove(filepath.Join(dir, e.Name())); notThereIsFine(err) != nil {
				return err
			}
		}
	}
	return notThereIsFine(os.Remove(dir))
}

func notThereIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
