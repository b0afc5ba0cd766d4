package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/topology"
)

// ownerEnv makes this test binary the owner of a run: "RUN KIND DIR".
const ownerEnv = "WATCHDOG_TEST_OWNER"

var kinds = map[string]cluster.Driver{docker.Name: docker.Driver(), local.Name: local.Driver()}

func TestMain(m *testing.M) {
	if f := strings.Fields(os.Getenv(ownerEnv)); len(f) == 3 {
		err := acquire(context.Background(), f[0], kinds[f[1]], f[2])
		fmt.Println(err) // instead of "up"
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// acquire is a run that gets as far as a paused node and then waits to be killed.
// It says "opened", then "up".
func acquire(ctx context.Context, run string, kind cluster.Driver, dir string) error {
	binary, err := build.Package(ctx, build.Module+"/cmd/watchdog")
	if err != nil {
		return err
	}
	linkd, err := build.Builder(kind.OS).Linkd(ctx)
	if err != nil {
		return err
	}
	g, err := cleanup.Start(ctx, run, binary)
	if err != nil {
		return err
	}
	top := pair()
	rt, err := kind.Open(ctx, cluster.Spec{
		Run: run, Topology: top, Dir: dir, Linkd: linkd, Binary: build.Builder(kind.OS).Build, CleanupLog: g.Log(),
	})
	if err != nil {
		return err
	}
	fmt.Println("opened")
	var nodes errgroup.Group
	for i, n := range top.Nodes {
		nodes.Go(func() error {
			if _, err := rt.StartSandbox(ctx, n); err != nil {
				return err
			}
			p, err := rt.Start(ctx, n)
			if err == nil && i == 0 {
				err = p.Signal(ctx, cluster.Pause)
			}
			return err
		})
	}
	if err := nodes.Wait(); err != nil {
		return err
	}
	runtime.GC() // that nobody refers to g any more must not matter
	runtime.GC()
	fmt.Println("up")
	select {}
}

func pair() topology.Topology {
	t := topology.Topology{RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 1}, {Region: "north", Weight: 1}}}
	for _, z := range t.RegionSpecs {
		t.Nodes = append(t.Nodes, topology.Node{
			ID: topology.NodeID(z.Region + "-1"), Region: z.Region, Ports: []topology.Port{{Name: "http", Number: 7400}},
			Program: topology.Program{
				Package: build.Module + "/cluster/docker/testdata/witness", HostsFlag: "-hosts",
				Args: []string{"{{.Host}}:7400"}, Env: map[string]string{"DATA": "{{.Data}}"},
			},
		})
	}
	return t
}

// start starts an owner and returns it once it has said the word.
func start(t *testing.T, kind, word string) (owner *exec.Cmd, run string) {
	t.Helper()
	if err := kinds[kind].Check(t.Context()); err != nil {
		if kind == docker.Name && (os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1") {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	run = "test-" + strings.ToLower(rand.Text()[:10])
	owner = exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerEnv+"="+run+" "+kind+" "+t.TempDir())
	owner.Stderr = os.Stderr
	says, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // for a test that failed half-way
		_ = owner.Process.Kill()
		_ = owner.Wait()
	})
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if lines.Text() == word {
			return owner, run
		}
		if lines.Text() != "opened" {
			t.Fatalf("the owner says %q", lines.Text())
		}
	}
	t.Fatal("the owner ended without a word")
	return nil, ""
}

// left says what there is of a run anywhere, in words.
func left(ctx context.Context, t *testing.T, run string) []string {
	t.Helper()
	var out []string
	for name, list := range map[string]func(context.Context) ([]string, error){
		"containers, networks or volumes": engineRuns,
		"processes":                       local.Runs,
		"journal and lock":                func(context.Context) ([]string, error) { return cleanup.Runs() },
	} {
		runs, err := list(ctx)
		if err != nil {
			t.Fatalf("list %s: %v", name, err)
		}
		if slices.Contains(runs, run) {
			out = append(out, name)
		}
	}
	for _, pid := range watchdogs(t, run) {
		out = append(out, fmt.Sprintf("watchdog %d", pid))
	}
	return out
}

func engineRuns(ctx context.Context) ([]string, error) {
	if docker.Check(ctx) != nil {
		return nil, nil
	}
	return docker.Runs(ctx)
}

// watchdogs lists the pids of the run's watchdogs.
func watchdogs(t *testing.T, run string) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil // there is no /proc to look in
	}
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, f := range all {
		if line, err := os.ReadFile(f); err == nil && bytes.HasSuffix(line, []byte("\x00-run\x00"+run+"\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			out = append(out, pid)
		}
	}
	return out
}

func TestNothingOutlivesAKilledOwner(t *testing.T) {
	for name, c := range map[string]struct{ kind, word string }{
		"containers, one of them paused":         {docker.Name, "up"},
		"containers, in the middle of the start": {docker.Name, "opened"},
		"processes, one of them stopped":         {local.Name, "up"},
		"processes, in the middle of the start":  {local.Name, "opened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner, run := start(t, c.kind, c.word)
			ctx := context.WithoutCancel(t.Context())
			if len(left(ctx, t, run)) < 2 {
				t.Errorf("before the kill there is only %v", left(ctx, t, run))
			}
			for _, pid := range watchdogs(t, run) { // as from a terminal, or from init
				for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
					_ = syscall.Kill(pid, s)
				}
			}
			if err := owner.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			killed := time.Now()
			_ = owner.Wait()
			for len(left(ctx, t, run)) > 0 {
				if time.Since(killed) > 10*time.Second {
					t.Fatalf("10 s after the kill there is still %v", left(ctx, t, run))
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Logf("nothing left after %v", time.Since(killed))
		})
	}
}

// Where the watchdog is killed too, the run is found abandoned later, by its
// folder or, from another cache, by its labels; never while its owner lives.
func TestAbandonedWhenTheWatchdogIsKilledToo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds the watchdog by /proc, and another cache by XDG_CACHE_HOME")
	}
	owner, run := start(t, docker.Name, "up")
	elsewhere := t.TempDir()
	abandoned := func(cache string) bool {
		if cache != "" {
			t.Setenv("XDG_CACHE_HOME", cache)
		}
		return len(cleanup.Orphans(t.Context(), []string{run}, docker.Owner)) == 1
	}
	here, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{here, elsewhere} {
		if abandoned(cache) {
			t.Errorf("with cache %s the living owner's run is taken for abandoned", cache)
		}
	}
	for _, pid := range watchdogs(t, run) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = owner.Process.Kill()
	_ = owner.Wait()
	for _, cache := range []string{elsewhere, here} {
		if !abandoned(cache) {
			t.Errorf("with cache %s the dead owner's run is not taken for abandoned", cache)
		}
	}
	_, err = docker.Sweep(t.Context(), run)
	if err := errors.Join(err, cleanup.Remove(run)); err != nil {
		t.Fatal(err)
	}
	if got := left(t.Context(), t, run); len(got) > 0 {
		t.Errorf("after a sweep there is still %v", got)
	}
}
