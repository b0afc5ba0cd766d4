// Package build finds or builds the static binaries that a run starts: nodes,
// linkd, the watchdog. It starts none of them, and it is no build system: what
// is up to date is for the Go toolchain to decide.
//
// A binary is looked for in this order: in the folder that HOLDFAST_BIN names
// (then no Go toolchain is needed), beside the running executable, and else it
// is built from source by `go build`, whose own cache makes that quick. Several
// that a run needs are built by one call (Prepare), so that what they share is
// compiled once. A first build takes minutes; WithProgress hears how far it is.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/mcp-resilience/holdfast/topology"
)

// Module is holdfast's module path.
const Module = "github.com/mcp-resilience/holdfast"

// The main packages that every run needs besides its nodes' programs.
const (
	linkdPackage    = Module + "/cmd/linkd"
	watchdogPackage = Module + "/cmd/watchdog"
)

// BinEnv names the environment variable that points at prebuilt binaries.
const BinEnv = "HOLDFAST_BIN"

// Builder finds or builds binaries that run on an operating system, by GOOS; empty
// is this machine's. Containers run linux wherever their engine is. Binaries
// for another system are looked for in HOLDFAST_BIN/GOOS, and not beside the
// executable.
type Builder string

// Build returns the path of a program's binary. It fits cluster.Spec.Binary.
func (b Builder) Build(ctx context.Context, p topology.Program) (string, error) {
	if p.Package == "" {
		return "", errors.New("build program: it names no package")
	}
	bin, err := b.find(ctx, p.Module, p.Package)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", p.Package, err)
	}
	return bin, nil
}

// Linkd returns the path of linkd's binary.
func (b Builder) Linkd(ctx context.Context) (string, error) {
	return b.Build(ctx, topology.Program{Package: linkdPackage})
}

// Build is Builder("").Build: for this machine.
func Build(ctx context.Context, p topology.Program) (string, error) { return Builder("").Build(ctx, p) }

// Linkd is Builder("").Linkd: for this machine.
func Linkd(ctx context.Context) (string, error) { return Builder("").Linkd(ctx) }

// Package returns the path of the binary of a main package in holdfast's
// module or in one that the module of the working directory requires.
func Package(ctx context.Context, pkg string) (string, error) {
	return Build(ctx, topology.Program{Package: pkg})
}

var version = regexp.MustCompile(`^v[0-9]+$`)

// Name is what the binary of a package is called: its last element that is not
// a major version, plus .exe where that is the custom.
func Name(pkg string) string { return name(runtime.GOOS, pkg) }

func name(system, pkg string) string {
	name := path.Base(pkg)
	if version.MatchString(name) {
		name = path.Base(path.Dir(pkg))
	}
	if system == "windows" {
		name += ".exe"
	}
	return name
}

func (b Builder) find(ctx context.Context, module, pkg string) (string, error) {
	if bin, ok, err := b.prebuilt(pkg); ok || err != nil {
		return bin, err
	}
	return builds.get(ctx, key{b.system(), module, pkg})
}

// system is the GOOS that is built for.
func (b Builder) system() string {
	if b == "" {
		return runtime.GOOS
	}
	return string(b)
}

// prebuilt finds a binary that needs no toolchain; ok is false where there is none.
func (b Builder) prebuilt(pkg string) (bin string, ok bool, err error) {
	system := b.system()
	name := name(system, pkg)
	if dir := os.Getenv(BinEnv); dir != "" {
		if system != runtime.GOOS {
			dir = filepath.Join(dir, system)
		}
		bin := filepath.Join(dir, name)
		if err := executable(bin); err != nil {
			return "", false, fmt.Errorf("%s=%s: %w", BinEnv, dir, err)
		}
		bin, err := filepath.Abs(bin)
		return bin, err == nil, err
	}
	if exe, err := os.Executable(); err == nil && system == runtime.GOOS {
		if bin := filepath.Join(filepath.Dir(exe), name); bin != exe && executable(bin) == nil {
			return bin, true, nil
		}
	}
	return "", false, nil
}

func executable(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || (runtime.GOOS != "windows" && info.Mode()&0o111 == 0) {
		return fmt.Errorf("%s is not an executable file", file)
	}
	return nil
}
