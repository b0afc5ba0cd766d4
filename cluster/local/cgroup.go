package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// cgroupsEnv, when it is "off", keeps the runtime from making cgroups: limits
// of CPU are then kept by stopping and resuming nodes.
const cgroupsEnv = "HOLDFAST_CGROUPS"

// cgroupPrefix begins the name of a run's cgroup; those of its nodes are in it.
const cgroupPrefix = "holdfast-"

// cgroupPeriod is the time in which a node may use its quota.
const cgroupPeriod = 100 * time.Millisecond

// hierarchy is a mounted tree of cgroups that limits CPU. Of version 1 there is
// one for the purpose, version 2 has one for all.
type hierarchy struct {
	mount string // "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"
	self  string // this process's place in it, "/user.slice"
	v2    bool
}

// hierarchies lists what is mounted, as mounts (/proc/self/mounts) and self
// (/proc/self/cgroup) tell.
func hierarchies(mounts, self string) []hierarchy {
	var out []hierarchy
	for line := range strings.Lines(mounts) {
		f := strings.Fields(line) // device, place, type, options, …
		if len(f) < 4 {
			continue
		}
		v1 := f[2] == "cgroup" && hasCPU(f[3])
		if !v1 && f[2] != "cgroup2" {
			continue
		}
		h := hierarchy{mount: f[1], v2: !v1}
		for line := range strings.Lines(self) { // number:controllers:place
			p := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(p) == 3 && (v1 && hasCPU(p[1]) || !v1 && p[0] == "0") {
				h.self = p[2]
			}
		}
		out = append(out, h)
	}
	return out
}

func hasCPU(list string) bool {
	for f := range strings.SplitSeq(list, ",") {
		if f == "cpu" {
			return true
		}
	}
	return false
}

func mounted() []hierarchy {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	self, _ := os.ReadFile("/proc/self/cgroup")
	return hierarchies(string(mounts), string(self))
}

// home is a cgroup in which this process may make others that limit CPU.
type home struct {
	hierarchy
	dir string
}

// cgroupHome looks for one from this process's own upwards: in version 2 a
// group with processes in it can have none below that limits anything.
func cgroupHome() (home, bool) {
	if os.Getenv(cgroupsEnv) == "off" {
		return home{}, false
	}
	for _, h := range mounted() {
		for at := filepath.Clean("/" + h.self); ; at = filepath.Dir(at) {
			try := home{h, filepath.Join(h.mount, at)}
			probe := &cgroup{dir: filepath.Join(try.dir, fmt.Sprintf("%sprobe-%d", cgroupPrefix, os.Getpid())), home: try}
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
	return home{}, false
}

// cgroup is the brake by a cgroup of the node's own.
type cgroup struct {
	dir  string
	home home
	base int
}

var _ brake = (*cgroup)(nil)

func (h home) of(run string, node topology.NodeID) *cgroup {
	return &cgroup{dir: filepath.Join(h.dir, cgroupPrefix+run, string(node)), home: h}
}

// tree is held while a run's cgroup is made or removed, which its nodes share.
var tree sync.Mutex

func (g *cgroup) make() error {
	tree.Lock()
	defer tree.Unlock()
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return err
	}
	if g.home.v2 {
		return write(filepath.Join(filepath.Dir(g.dir), "cgroup.subtree_control"), "+cpu")
	}
	return nil
}

func (g *cgroup) how() string {
	if g.home.v2 {
		return "cgroup v2"
	}
	return "cgroup v1"
}

// file is where the limit stands.
func (g *cgroup) file() string {
	if g.home.v2 {
		return "cpu.max"
	}
	return "cpu.cfs_quota_us"
}

func (g *cgroup) limit(cpus float64) error {
	quota := strconv.Itoa(int(cpus * float64(cgroupPeriod.Microseconds())))
	period := strconv.Itoa(int(cgroupPeriod.Microseconds()))
	if g.home.v2 {
		return write(filepath.Join(g.dir, g.file()), quota+" "+period)
	}
	return errors.Join(
		write(filepath.Join(g.dir, "cpu.cfs_period_us"), period),
		write(filepath.Join(g.dir, g.file()), quota),
	)
}

func (g *cgroup) take(l *life) error {
	n, err := g.count()
	if err != nil {
		return err
	}
	g.base = n
	return write(filepath.Join(g.dir, "cgroup.procs"), strconv.Itoa(l.cmd.Process.Pid))
}

func (g *cgroup) stopped() (int, error) {
	n, err := g.count()
	return n - g.base, err
}

// count is in how many periods the kernel has stopped what is in the group.
func (g *cgroup) count() (int, error) {
	file := filepath.Join(g.dir, "cpu.stat")
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "nr_throttled "); ok {
			return strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return 0, fmt.Errorf("%s does not say how often it throttled", file)
}

// free moves what is in the group back to where it came from and removes it,
// and the run's with its last.
func (g *cgroup) free(ctx context.Context) error {
	own := filepath.Join(g.home.mount, g.home.self)
	for {
		b, _ := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
		for _, pid := range strings.Fields(string(b)) {
			_ = write(filepath.Join(own, "cgroup.procs"), pid) // it may have ended meanwhile
		}
		err := g.remove()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove cgroup: %w: %w", ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// remove fails while something is in the group.
func (g *cgroup) remove() error {
	tree.Lock()
	defer tree.Unlock()
	err := notThereIsFine(os.Remove(g.dir))
	if err == nil {
		_ = os.Remove(filepath.Dir(g.dir)) // unless another node's is in it
	}
	return err
}

// write changes a file of the kernel's, which exists.
func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
