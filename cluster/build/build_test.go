package build_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestName(t *testing.T) {
	for pkg, want := range map[string]string{
		build.Module + "/cmd/mcpd":     "mcpd",
		"go.etcd.io/etcd/server/v3":    "server",
		"github.com/nats-io/v2x/thing": "thing",
	} {
		if got := strings.TrimSuffix(build.Name(pkg), ".exe"); got != want {
			t.Errorf("Name(%q) = %q, want %q", pkg, got, want)
		}
	}
}

func TestLinkdIsBuiltByManyAtOnce(t *testing.T) {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache))) // which would move along
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			bin, err := build.Linkd(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if info, err := os.Stat(bin); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s: %v, mode %v", bin, err, info.Mode())
			}
		})
	}
	wg.Wait()
}

func TestPrebuiltBinariesAreUsedAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(build.BinEnv, dir)
	t.Setenv("PATH", "") // no toolchain
	p := topology.Program{Package: "example.com/nowhere/mcpd"}
	if _, err := build.Build(t.Context(), p); err == nil || !strings.Contains(err.Error(), build.BinEnv) {
		t.Errorf("missing binary: got %v, want an error that names %s", err, build.BinEnv)
	}
	want := filepath.Join(dir, build.Name(p.Package))
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := build.Build(t.Context(), p); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestPrebuiltBinariesForContainers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(build.BinEnv, dir)
	t.Setenv("PATH", "") // no toolchain
	p := topology.Program{Package: "example.com/nowhere/mcpd"}
	want := filepath.Join(dir, "plan9", "mcpd")
	if err := os.MkdirAll(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := build.Builder("plan9").Build(t.Context(), p); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if got, err := build.Build(t.Context(), p); err == nil {
		t.Errorf("for this machine: got %q, want an error", got)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	tests := map[string]struct {
		program topology.Program
		want    string
	}{
		"no package":       {topology.Program{}, "names no package"},
		"no such package":  {topology.Program{Package: build.Module + "/cmd/nothing"}, "go build"},
		"no nested module": {topology.Program{Module: "no/where", Package: "x"}, "use a checkout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := build.Build(t.Context(), tt.program); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// A system of the user's own is built in the user's module.
func TestOwnModule(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module example.com/own\n",
		"db/main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "db"))
	bin, err := build.Package(t.Context(), "example.com/own/db")
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(bin).Run(); err != nil {
		t.Errorf("run %s: %v", bin, err)
	}
}

func ExampleName() {
	fmt.Println(strings.TrimSuffix(build.Name("go.etcd.io/etcd/server/v3"), ".exe"))
	// Output: server
}
