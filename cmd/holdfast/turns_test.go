package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/build"
)

// A short drill with an objective that is met with ease where the machine does not stand in the way.
const turnScenario = `name: turn
description: The leader is killed and comes back.
baseline: 3s
steps:
  - {at: 0s, for: 3s, fault: kill, on: {role: leader}}
observe: 30s
objectives: {rto: 15s}
`

// fleet starts runs of a scenario that share a machine, and a cache of their own.
func fleet(t *testing.T) (start func(wait string) member) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the local runtime needs Linux")
	}
	bin, work := t.TempDir(), t.TempDir()
	buildCommand(t, bin, build.Module+"/cmd/holdfast", build.Module+"/cmd/linkd", build.Module+"/cmd/mcpd", build.Module+"/cmd/watchdog")
	file := filepath.Join(work, "turn.yaml")
	if err := os.WriteFile(file, []byte(turnScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	return func(wait string) member {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close() // the command has its own
		cmd := exec.Command(filepath.Join(bin, "holdfast"), "--runs", filepath.Join(work, "runs"), "run", "--runtime", "local", "--wait-for-machine", wait, file)
		cmd.Env = append(os.Environ(), build.BinEnv+"="+bin, "XDG_CACHE_HOME="+filepath.Join(work, "cache"))
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return member{cmd, out.Name(), filepath.Join(work, "cache")}
	}
}

// member is one of these runs.
type member struct {
	*exec.Cmd
	out, cache string
}

// said is what it has printed so far.
func (m member) said() string {
	text, _ := os.ReadFile(m.out)
	return string(text)
}

func status(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// Three runs at once on a machine that is too small for them are green or the environment's, whether they take turns
// or not, and never a fail.
func TestThreeRunsAtOnce(t *testing.T) {
	if os.Getenv("HOLDFAST_NIGHTLY") != "1" {
		t.Skip("takes minutes and the whole machine; make nightly runs it")
	}
	start := fleet(t)
	for _, wait := range []string{"10m", "0"} {
		t.Run("they wait for "+wait, func(t *testing.T) {
			var all sync.WaitGroup
			said, ends := make([]string, 3), make([]int, 3)
			for i := range said {
				run := start(wait)
				all.Go(func() {
					ends[i] = status(run.Wait())
					said[i] = run.said()
				})
			}
			all.Wait()
			waited := 0
			for i, text := range said {
				waited += min(1, strings.Count(text, "waiting for its turn on this machine"))
				if ends[i] != 0 && ends[i] != exitEnvironment {
					t.Errorf("run %d exits with %d:\n%s", i+1, ends[i], text)
				}
			}
			t.Logf("exit statuses %v, %d of 3 waited", ends, waited)
			if wait == "0" && waited > 0 {
				t.Errorf("%d runs waited for their turn, and were told not to", waited)
			}
			if wait != "0" && runtime.GOMAXPROCS(0) < 4 && waited < 2 {
				t.Errorf("on %d processors %d of 3 runs waited, want 2:\n%s", runtime.GOMAXPROCS(0), waited, strings.Join(said, "\n---\n"))
			}
		})
	}
}

// A run that waits says why, and ends at once when it is interrupted; what the one before it leaves by a kill -9 keeps nobody waiting.
func TestARunWaitsForItsTurn(t *testing.T) {
	if runtime.GOMAXPROCS(0) >= 4 {
		t.Skip("this machine has processors for two runs")
	}
	if testing.Short() {
		t.Skip("starts runs")
	}
	start := fleet(t)
	first := start("0")
	defer func() {
		_ = first.Process.Kill()
		_ = first.Wait()
	}()
	underWay := filepath.Join(first.cache, "holdfast", "runs", "*", "owner")
	wait(t, "the first run is not under way", func() bool {
		found, err := filepath.Glob(underWay)
		return err == nil && len(found) > 0
	})
	second := start("10m")
	wait(t, "the second run does not wait", func() bool {
		return strings.Contains(second.said(), fmt.Sprintf("waiting for its turn on this machine: process %d carries out", first.Process.Pid))
	})
	if err := second.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if end := status(second.Wait()); end != exitInterrupted {
		t.Errorf("interrupted while it waits, it exits with %d, want %d:\n%s", end, exitInterrupted, second.said())
	}
	third := start("10m")
	wait(t, "the third run does not wait", func() bool { return strings.Contains(third.said(), "waiting for its turn") })
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the third run's turn does not come", func() bool { return strings.Contains(third.said(), "it is its turn, after") })
	_ = third.Process.Signal(syscall.SIGINT)
	if end := status(third.Wait()); end != exitInterrupted {
		t.Errorf("the third run exits with %d, want %d:\n%s", end, exitInterrupted, third.said())
	}
}

func wait(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}
