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

// cgroupPeriod is the time in which a node may use its quota.
const cgroupPeriod = 100 * time.Millisecond

// cgroup is the limiter by a cgroup of the node's own.
type cgroup struct {
	dir  string
	root cgroupRoot
	base int // periods counted before the process was added
}

var _ cpuLimiter = (*cgroup)(nil)

func (h cgroupRoot) cgroupOf(run string, node topology.NodeID) *cgroup {
	return &cgroup{dir: filepath.Join(h.dir, cgroupPrefix+run, string(node)), root: h}
}

// runCgroupLock is held while a run's cgroup is made or removed, which its nodes share.
var runCgroupLock sync.Mutex

func (g *cgroup) make() error {
	runCgroupLock.Lock()
	defer runCgroupLock.Unlock()
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return err
	}
	if g.root.v2 {
		return write(filepath.Join(filepath.Dir(g.dir), "cgroup.subtree_control"), "+cpu")
	}
	return nil
}

func (g *cgroup) mechanism() string {
	if g.root.v2 {
		return "cgroup v2"
	}
	return "cgroup v1"
}

// file is where the limit stands.
func (g *cgroup) file() string {
	if g.root.v2 {
		return "cpu.max"
	}
	return "cpu.cfs_quota_us"
}

func (g *cgroup) limit(cpus float64) error {
	quota := strconv.Itoa(int(cpus * float64(cgroupPeriod.Microseconds())))
	period := strconv.Itoa(int(cgroupPeriod.Microseconds()))
	if g.root.v2 {
		return write(filepath.Join(g.dir, g.file()), quota+" "+period)
	}
	return errors.Join(
		write(filepath.Join(g.dir, "cpu.cfs_period_us"), period),
		write(filepath.Join(g.dir, g.file()), quota),
	)
}

func (g *cgroup) add(c *child) error {
	n, err := g.count()
	if err != nil {
		return err
	}
	g.base = n
	return c.withPID(func(pid int) error {
		return write(filepath.Join(g.dir, "cgroup.procs"), strconv.Itoa(pid))
	})
}

func (g *cgroup) throttled() (int, error) {
	n, err := g.count()
	return n - g.base, err
}

// count is in how many periods the kernel has throttled what is in the group.
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
	return 0, fmt.Errorf("%s has no nr_throttled", file)
}

// release moves what is in the group back to where it came from and removes the
// group, and the run's with the last of its nodes.
func (g *cgroup) release(ctx context.Context) error {
	own := filepath.Join(g.root.mount, g.root.self)
	for {
		b, _ := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
		for _, pid := range strings.Fields(string(b)) {
			_ = write(filepath.Join(own, "cgroup.procs"), pid) // fails for one that has ended meanwhile
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
	runCgroupLock.Lock()
	defer runCgroupLock.Unlock()
	err := ignoreNotExist(os.Remove(g.dir))
	if err == nil {
		_ = os.Remove(filepath.Dir(g.dir)) // unless another node's is in it
	}
	return err
}

// write changes a file of the kernel's. It must exist, so os.WriteFile, which
// would make a file where there is no cgroup, is not used.
func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
