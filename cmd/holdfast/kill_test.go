package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/build"
)

// A run is owned before it makes anything, and clean and doctor see what one that was
// killed has left. Before, 17 of 20 runs that were killed in their first half second
// left scratch folders and half-built programs that neither of them saw.
func TestNothingIsLeftOfRunsThatAreKilledEarly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the local runtime needs Linux")
	}
	if testing.Short() {
		t.Skip("starts and kills twenty runs")
	}
	own, bin, work := t.TempDir(), t.TempDir(), t.TempDir()
	buildCommand(t, own, build.Module+"/cmd/holdfast")
	buildCommand(t, bin, build.Module+"/cmd/linkd", build.Module+"/cmd/mcpd", build.Module+"/cmd/watchdog")
	gocache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, tmp, runs := filepath.Join(work, "cache"), filepath.Join(work, "tmp"), filepath.Join(work, "runs")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	command := func(extra []string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(own, "holdfast"), append([]string{"--runs", runs}, args...)...)
		cmd.Env = append(os.Environ(), append(extra, "XDG_CACHE_HOME="+cache, "TMPDIR="+tmp,
			"GOCACHE="+strings.TrimSpace(string(gocache)), "DOCKER_HOST=tcp://127.0.0.1:1")...)
		return cmd
	}
	for i := range 20 {
		var prebuilt []string
		if i%2 == 0 { // the others are killed while they build
			prebuilt = []string{build.BinEnv + "=" + bin}
		}
		run := command(prebuilt, "run", "--runtime", "local", "kill-leader")
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(time.Second))
		_ = run.Process.Kill()
		_ = run.Wait()
	}
	left := func() []string {
		var out []string
		for _, pattern := range []string{filepath.Join(tmp, "*"), filepath.Join(cache, "holdfast", "runs", "*"), filepath.Join(cache, "holdfast", "bin", "build*")} {
			found, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, found...)
		}
		return out
	}
	// Watchdogs remove what they guard; the toolchain's children end.
	for deadline := time.Now().Add(20 * time.Second); len(left()) > 0 && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		if guarded, err := filepath.Glob(filepath.Join(cache, "holdfast", "runs", "*", "watchdog.log")); err != nil || len(guarded) == 0 {
			break
		}
	}
	remaining := left()
	t.Logf("left before clean: %q", remaining)
	doctor, err := command(nil, "doctor").CombinedOutput()
	if err != nil {
		t.Fatalf("doctor: %v\n%s", err, doctor)
	}
	if seen := !strings.Contains(string(doctor), "no crashed run has left anything behind"); seen != (len(remaining) > 0) {
		t.Errorf("doctor does not see what is left, %q:\n%s", remaining, doctor)
	}
	if out, err := command(nil, "clean").CombinedOutput(); err != nil {
		t.Errorf("clean: %v\n%s", err, out)
	}
	if remaining := left(); len(remaining) > 0 {
		t.Errorf("left after clean: %q", remaining)
	}
	if out, err := command(nil, "clean", "--dry-run").CombinedOutput(); err != nil || !strings.Contains(string(out), "nothing to remove") {
		t.Errorf("clean a second time: %v\n%s", err, out)
	}
}
