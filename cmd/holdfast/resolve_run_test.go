package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/record"
)

func TestResolveRun(t *testing.T) {
	root := t.TempDir()
	old, new, twin := "2026-11-21T03-00-00Z-kill-leader-aaaa", "2026-11-22T03-00-00Z-slow-wan-bbbb", "2026-11-22T03-00-01Z-slow-wan-cccc"
	for _, id := range []string{old, new, twin} {
		if err := os.MkdirAll(filepath.Join(root, id), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, id, record.RunFile), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "9-not-a-run"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := &app{runs: root}
	for _, tt := range []struct{ name, want, err string }{
		{name: "last", want: twin},
		{name: old, want: old},
		{name: "2026-11-21", want: old},
		{name: "bbbb", want: new},
		{name: filepath.Join(root, new), want: new},
		{name: filepath.Join(root, new) + "/", want: new},
		{name: "2026-11-22", err: "is the beginning of 2 runs"},
		{name: "lats", err: `did you mean "last"?`},
		{name: "9-not-a-run", err: "no run"},
		{name: filepath.Join(root, "9-not-a-run"), err: "is not a run directory"},
	} {
		got, err := a.resolveRun(tt.name)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || exitCode(err) != exitUsage {
				t.Errorf("resolveRun(%q): error %v, want one that says %q and exits %d", tt.name, err, tt.err, exitUsage)
			}
			continue
		}
		if err != nil || got != filepath.Join(root, tt.want) {
			t.Errorf("resolveRun(%q) = %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

// "last" passes over runs that are still being executed, and says so where there is no other.
func TestLastHasFinished(t *testing.T) {
	a := &app{runs: t.TempDir()}
	running, err := record.Create(a.runs, record.Meta{ID: "2026-11-22T03-00-00Z-running-bbbb"})
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	_, err = a.resolveRun("last")
	if want := fmt.Sprintf("no run in %s has finished yet: process %d is still executing", a.runs, os.Getpid()); err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitEnvironment {
		t.Errorf("resolveRun(last) with a run in progress alone: %v, want %q", err, want)
	}
	finished, err := record.Create(a.runs, record.Meta{ID: "2026-11-21T03-00-00Z-finished-aaaa"})
	if err != nil {
		t.Fatal(err)
	}
	if err := finished.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := a.resolveRun("last"); err != nil || got != finished.Path {
		t.Errorf("resolveRun(last) = %s, %v; want %s", got, err, finished.Path)
	}
	rewritten, err := record.Reopen(finished.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer rewritten.Close()
	if got, err := a.resolveRun("last"); err != nil || got != finished.Path {
		t.Errorf("resolveRun(last) = %s, %v while it is rewritten; want %s", got, err, finished.Path)
	}
}
