package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mcp-resilience/holdfast/harness/program"
)

// binaries says where the programs of nodes will come from.
func binaries(ctx context.Context) symptom {
	s := symptom{Thing: "binaries"}
	if dir := os.Getenv(program.BinEnv); dir != "" {
		return prebuilt(dir)
	}
	out, err := exec.CommandContext(ctx, "go", "version").Output()
	if err != nil {
		s.Health, s.Saw = poor, "no Go toolchain to build node programs with: "+err.Error()
		s.Do = "install Go, or set " + program.BinEnv + " to a folder of built binaries"
		return s
	}
	version := strings.TrimSpace(strings.TrimPrefix(string(out), "go version "))
	mod, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", program.Module).Output()
	if dir := strings.TrimSpace(string(mod)); err != nil || dir == "" {
		s.Health, s.Saw = poor, version+", but the source of "+program.Module+" is not at hand here"
		s.Do = "run inside a module that requires it, or set " + program.BinEnv + " to a folder of built binaries"
		return s
	}
	s.Health, s.Saw = good, "built from source with "+version
	return s
}

// prebuilt looks into the folder that the user named.
func prebuilt(dir string) symptom {
	s := symptom{Thing: "binaries", Health: good}
	var missing []string
	for _, pkg := range []string{"cmd/linkd", "cmd/mcpd"} {
		name := program.Name(program.Module + "/" + pkg)
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			missing = append(missing, name)
		}
	}
	s.Saw = fmt.Sprintf("prebuilt, from %s=%s", program.BinEnv, dir)
	if len(missing) > 0 {
		s.Health, s.Saw = poor, s.Saw+"; missing "+strings.Join(missing, ", ")
		s.Do = "go build -o " + dir + " ./cmd/..., with CGO_ENABLED=0"
	}
	return s
}
