package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/record"
)

// A scenario that expects unknown was as expected, with exit status 0, when the user
// interrupted it.
func TestAnInterruptedRunIsNeverAsExpected(t *testing.T) {
	bin, work := t.TempDir(), t.TempDir()
	buildCommand(t, bin, build.Module+"/cmd/holdfast", build.Module+"/cmd/linkd", build.Module+"/cmd/mcpd", build.Module+"/cmd/watchdog")
	file := filepath.Join(work, "mine.yaml")
	if err := os.WriteFile(file, []byte("name: mine\nexpect: unknown\nbaseline: 60s\nsteps: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(filepath.Join(bin, "holdfast"), "--runs", filepath.Join(work, "runs"), "run", "--runtime", "local", file)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if begun, err := filepath.Glob(filepath.Join(work, "runs", "*", record.RunFile)); err != nil || len(begun) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the run did not begin")
		}
	}
	time.Sleep(time.Second) // now it starts its nodes; any instant will do
	if err := run.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := run.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitInterrupted {
		t.Errorf("an interrupted run exits with %v, want %d", err, exitInterrupted)
	}
	again := exec.Command(filepath.Join(bin, "holdfast"), "--runs", filepath.Join(work, "runs"), "recheck", "last")
	err = again.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitEnvironment {
		t.Errorf("judged again it exits with %v, want %d", err, exitEnvironment)
	}
}
