package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/topology"
)

// checkToolchain finds out where the programs of nodes will come from.
func checkToolchain(ctx context.Context) checkResult {
	s := checkResult{Subject: "binaries"}
	if dir := os.Getenv(build.BinEnv); dir != "" {
		return checkPrebuilt(ctx, dir)
	}
	out, err := exec.CommandContext(ctx, "go", "version").Output()
	if err != nil {
		s.Status, s.Observed = statusWarn, "there is no Go toolchain to build the nodes' programs with: "+err.Error()
		s.Remedy = "install Go, or set " + build.BinEnv + " to a folder of built binaries"
		return s
	}
	version := strings.TrimSpace(strings.TrimPrefix(string(out), "go version "))
	mod, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", build.Module).Output()
	if dir := strings.TrimSpace(string(mod)); err != nil || dir == "" {
		s.Status, s.Observed = statusWarn, version+", but the source of "+build.Module+" cannot be found from here"
		s.Remedy = "run inside a module that requires it, or set " + build.BinEnv + " to a folder of built binaries"
		return s
	}
	s.Status, s.Observed = statusOK, "built from source with "+version
	return s
}

// checkPrebuilt looks, as a run would, for the programs in the folder that the user
// named: the watchdog for this machine, and the programs of nodes for this machine
// or, in containers, for Linux.
func checkPrebuilt(ctx context.Context, dir string) checkResult {
	s := checkResult{Subject: "binaries", Status: statusOK, Observed: fmt.Sprintf("prebuilt, from %s=%s", build.BinEnv, dir)}
	var missing []string
	look := func(system build.Builder, commands ...string) {
		for _, c := range commands {
			if _, err := system.Build(ctx, topology.Program{Package: build.Module + "/cmd/" + c}); err != nil {
				missing = append(missing, err.Error())
			}
		}
	}
	look("", "watchdog", "linkd", "mcpd")
	if runtime.GOOS != "linux" {
		look("linux", "linkd", "mcpd")
	}
	if len(missing) > 0 {
		s.Status, s.Observed = statusWarn, s.Observed+"; missing: "+strings.Join(missing, "; ")
		s.Remedy = "CGO_ENABLED=0 go build -o " + dir + "/ ./cmd/..."
		if runtime.GOOS != "linux" {
			s.Remedy += ", and for containers GOOS=linux CGO_ENABLED=0 go build -o " + dir + "/linux/ ./cmd/..."
		}
	}
	return s
}
