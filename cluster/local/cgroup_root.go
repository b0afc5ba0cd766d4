package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// cgroupsEnv, when it is "off", keeps the runtime from making cgroups: limits
// of CPU are then kept by stopping and resuming nodes.
const cgroupsEnv = "HOLDFAST_CGROUPS"

// cgroupPrefix begins the name of a run's cgroup; those of its nodes are in it.
const cgroupPrefix = "holdfast-"

// hierarchy is a mounted tree of cgroups that limits CPU. Of version 1 there is
// one for the purpose, version 2 has one for all.
type hierarchy struct {
	mount string // "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"
	self  string // this process's place in it, "/user.slice"
	v2    bool
}

// hierarchies lists what is mounted, none where the kernel does not say.
func hierarchies() []hierarchy {
	mounts, err := procfs.GetMounts()
	if err != nil {
		return nil
	}
	var own []procfs.Cgroup
	if self, err := procfs.Self(); err == nil {
		own, _ = self.Cgroups()
	}
	var out []hierarchy
	for _, m := range mounts {
		_, cpu := m.SuperOptions["cpu"]
		h := hierarchy{mount: m.MountPoint, v2: m.FSType == "cgroup2"}
		if !h.v2 && (m.FSType != "cgroup" || !cpu) {
			continue
		}
		for _, c := range own {
			if (h.v2 && c.HierarchyID == 0) || (!h.v2 && slices.Contains(c.Controllers, "cpu")) {
				h.self = c.Path
			}
		}
		out = append(out, h)
	}
	return out
}

// cgroupRoot is a cgroup in which this process may make others that limit CPU.
type cgroupRoot struct {
	hierarchy
	dir string
}

// findCgroupRoot looks for one from this process's own upwards: in version 2 a
// group with processes in it can have none below that limits anything.
func findCgroupRoot() (cgroupRoot, bool) {
	if os.Getenv(cgroupsEnv) == "off" {
		return cgroupRoot{}, false
	}
	for _, h := range hierarchies() {
		for at := filepath.Clean("/" + h.self); ; at = filepath.Dir(at) {
			try := cgroupRoot{h, filepath.Join(h.mount, at)}
			probe := &cgroup{dir: filepath.Join(try.dir, fmt.Sprintf("%sprobe-%d", cgroupPrefix, os.Getpid())), root: try}
			err := os.Mkdir(probe.dir, 0o755)
			if err == nil {
				_, err = os.Stat(filepath.Join(probe.dir, probe.file()))
				_ = os.Remove(probe.dir)
			}
			if err == nil {
				return try, true
			}
			if at == "/" {
				break
			}
		}
	}
	return cgroupRoot{}, false
}

// leftoverCgroups finds the cgroups of runs in every hierarchy, as folders by run.
// An empty one costs nothing, but its name is the run's alone.
func leftoverCgroups() map[string][]string {
	out := map[string][]string{}
	for _, h := range hierarchies() {
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
		return ignoreNotExist(err)
	}
	for _, e := range all {
		if e.IsDir() {
			if err := os.Remove(filepath.Join(dir, e.Name())); ignoreNotExist(err) != nil {
				return err
			}
		}
	}
	return ignoreNotExist(os.Remove(dir))
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
