package local

import (
	"strings"

	"github.com/prometheus/procfs"
)

// mountPrefix begins what the table of mounts says of a run's layers.
const mountPrefix = "holdfast-disk-"

func mountSource(run string) string { return mountPrefix + run }

// leftoverMounts finds the layers of runs, as folders by run. The process behind one
// may be gone, and then whatever touches the folder fails.
func leftoverMounts() map[string][]string {
	out := map[string][]string{}
	mounts, err := procfs.GetMounts()
	if err != nil {
		return out
	}
	for _, m := range mounts {
		if run, ours := strings.CutPrefix(m.Source, mountPrefix); ours {
			out[run] = append(out[run], m.MountPoint)
		}
	}
	return out
}
