package local_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/topology"
)

// ownerEnv makes this test binary the owner of a run that a test kills.
const ownerEnv = "LOCAL_TEST_OWNS"

// TestOwner is no test but the process that others start; see own.
func TestOwner(t *testing.T) {
	run := os.Getenv(ownerEnv)
	if run == "" {
		t.Skip("only as a child of other tests")
	}
	c := start(t, run, os.Getenv(ownerEnv+"_DIR"))
	for _, n := range c.Topology.Nodes[:1] { // one is stopped when its owner dies
		if err := c.Process(n.ID).Signal(t.Context(), cluster.Pause); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.Await(t.Context(), c.Process(n.ID), cluster.Paused); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range c.Topology.Nodes[1:] { // the others are throttled
		if _, err := c.Throttle(t.Context(), n.ID, 0.05); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("READY")
	select {} // until it is killed
}

func start(t *testing.T, run, dir string) *cluster.Cluster {
	t.Helper()
	linkd, err := build.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	top := clustertest.Topology(1)
	spec := cluster.Spec{Run: run, Topology: top, Dir: dir, Binary: build.Build, Linkd: linkd}
	rt, err := local.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), rt, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newRun(t *testing.T) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())
}

// own starts a process that owns a run, and returns once the run is up.
func own(t *testing.T, run string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestOwner$")
	cmd.Env = append(os.Environ(), ownerEnv+"="+run, ownerEnv+"_DIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "READY" {
			return cmd
		}
		t.Log("owner:", lines.Text())
	}
	t.Fatal("the owner did not start its run")
	return nil
}

func alive(t *testing.T, run string) bool {
	t.Helper()
	runs, err := local.Runs(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(runs, run)
}

// The kernel takes a run's processes with their owner, stopped ones too. A
// cgroup is left to the sweep.
func TestOwnerKilled(t *testing.T) {
	for _, cgroups := range []string{"", "off"} {
		t.Run("cgroups="+cgroups, func(t *testing.T) {
			t.Setenv("HOLDFAST_CGROUPS", cgroups)
			ownerKilled(t)
		})
	}
}

func ownerKilled(t *testing.T) {
	run := newRun(t)
	cmd := own(t, run)
	if !alive(t, run) || len(marked(t, run)) == 0 {
		t.Fatal("the run is not seen while it lives")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); len(marked(t, run)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("10 s after its owner was killed the run still has processes")
		}
	}
	if _, err := local.Sweep(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if alive(t, run) {
		t.Error("swept, the run has left something")
	}
}

// Sweep ends one run and touches neither another nor a process that only
// happens to have the variable.
func TestSweep(t *testing.T) {
	run, other := newRun(t), newRun(t)+"-other"
	own(t, run)
	c := start(t, other, t.TempDir())
	defer func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	bystander := exec.Command("sleep", "60")
	bystander.Env = append(os.Environ(), "HOLDFAST_RUN="+run)
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = bystander.Process.Kill()
		_ = bystander.Wait()
	}()

	killed, err := local.Sweep(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if len(killed) < 3*2 || !strings.Contains(strings.Join(killed, "\n"), "of east-1") {
		t.Errorf("killed %q, want linkd and the node of three pods, and those proxies that did not die with linkd", killed)
	}
	if alive(t, run) {
		t.Error("the run is still alive")
	}
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("bystander: %v", err)
	}
	for _, n := range c.Topology.Nodes {
		if s, err := c.Process(n.ID).Status(t.Context()); err != nil || s.State != cluster.Running {
			t.Errorf("%s of the other run: %v, %v", n.ID, s.State, err)
		}
	}
	if again, err := local.Sweep(t.Context(), run); err != nil || len(again) != 0 {
		t.Errorf("second sweep: %q, %v", again, err)
	}
	if _, err := local.Sweep(t.Context(), ""); err == nil {
		t.Error("swept a run without a name")
	}
}

// A linkd that is killed takes its proxy along.
func TestProxyDiesWithLinkd(t *testing.T) {
	run := newRun(t)
	linkd, err := build.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	top := clustertest.Topology(1)
	rt, err := local.Open(t.Context(), cluster.Spec{Run: run, Topology: top, Dir: t.TempDir(), Linkd: linkd})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rt.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	sandbox, err := rt.StartSandbox(t.Context(), top.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	s := sandbox.Server()
	for _, pid := range processes(t, s.Control) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); len(processes(t, s.Admin)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the proxy outlives its linkd by 10 s")
		}
	}
}

// processes lists those whose command line has the word and that are no zombies.
func processes(t *testing.T, word string) []int { return having(t, "cmdline", word) }

// marked lists those that a run has started.
func marked(t *testing.T, run string) []int { return having(t, "environ", "HOLDFAST_RUN="+run+"\x00") }

// having lists the processes whose file in /proc has the word.
func having(t *testing.T, file, word string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), word) {
			var pid int
			_, _ = fmt.Sscanf(f, "/proc/%d/", &pid) // as globbed
			out = append(out, pid)
		}
	}
	return out
}

func TestUnsupported(t *testing.T) {
	for name, p := range map[string]topology.Program{
		"image only":    {Image: "postgres:17", HostsFlag: "--hosts"},
		"no hosts flag": {Package: "go.etcd.io/etcd/server/v3"},
	} {
		top := topology.Topology{Nodes: []topology.Node{{ID: "east-1", Program: p}, {ID: "east-2", Program: p}}}
		rt, err := local.Driver().Open(t.Context(), cluster.Spec{Run: "x", Topology: top, Dir: t.TempDir()})
		var why cluster.Unsupported
		if !errors.As(err, &why) || !strings.Contains(why.Reason, "east-1") || rt != nil {
			t.Errorf("%s: got %v, %v; want a reason that names the node", name, rt, err)
		}
	}
}
