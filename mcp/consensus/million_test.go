package consensus

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// writesEnv makes the benchmark shorter, for whoever works on it.
const writesEnv = "HOLDFAST_WRITES"

// BenchmarkMillion commits a million writes on three nodes in this process,
// each with its log and snapshots on disk, and starts all of them again. What
// it prints: the most that one node had on disk and this process in memory at
// any time, of all three nodes together; and the time from the start of the
// processes' work to a read through the leader.
func BenchmarkMillion(b *testing.B) {
	writes := 1_000_000
	if n, err := strconv.Atoi(os.Getenv(writesEnv)); err == nil {
		writes = n
	}
	for b.Loop() {
		million(b, writes)
	}
}

// atOnce is how many writes wait for their commit at a time, and keys how many
// registers they go to.
const (
	atOnce = 1024
	keys   = 10_000
)

func million(b *testing.B, writes int) {
	g := newGroup(b, 3)
	open := func() (nodes []*Node) {
		for _, name := range sorted(g.peers) {
			nodes = append(nodes, g.openWith(name, func(c *Config) { c.SnapshotEvery = snapshotEvery }))
		}
		return nodes
	}
	nodes := open()
	var disk, memory int64
	watching := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(500 * time.Millisecond); ; {
			for _, dir := range g.dirs {
				disk = max(disk, bytesIn(dir))
			}
			memory = max(memory, resident())
			select {
			case <-tick.C:
			case <-watching:
				tick.Stop()
				return
			}
		}
	}()
	begin := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= writes {
					return
				}
				commit(b, nodes, &api.Command{Id: fmt.Sprint(i), Do: &api.Command_Write{Write: &api.WriteRequest{
					Key: fmt.Sprint("k", i%keys), Value: fmt.Sprint(i),
				}}})
			}
		})
	}
	all.Wait()
	took := time.Since(begin)
	close(watching)
	<-done
	closed(b, nodes...)

	begin = time.Now()
	busy := cpu()
	nodes = open()
	leader := leaderOf(b, nodes...)
	index, _, err := leader.ReadIndex(b.Context())
	if err == nil {
		err = leader.WaitApplied(b.Context(), index)
	}
	if err != nil {
		b.Fatal(err)
	}
	last := writes - 1
	if got, _ := leader.State().Read(fmt.Sprint("k", last%keys)); got == "" {
		b.Errorf("write %d is not there after a restart", last)
	}
	b.ReportMetric(time.Since(begin).Seconds(), "s-restart")
	b.ReportMetric((cpu() - busy).Seconds(), "s-cpu") // of the three, on as many processors as there are
	b.ReportMetric(float64(disk)/1e6, "MB-disk")
	b.ReportMetric(float64(memory)/1e6, "MB-memory")
	b.ReportMetric(float64(writes)/took.Seconds(), "writes/s")
	closed(b, nodes...)
}

// commit proposes until it is known to be done; a command is applied once.
func commit(b *testing.B, nodes []*Node, c *api.Command) {
	for b.Context().Err() == nil {
		if _, err := leaderOf(b, nodes...).Propose(b.Context(), c); err == nil {
			return
		}
	}
}

// bytesIn is the length of all files in a folder, with the room set aside in them.
func bytesIn(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone meanwhile
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// cpu is how much of the processors this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the memory of this process that is in use (VmRSS).
func resident() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil { // not Linux: what Go has of the system
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
