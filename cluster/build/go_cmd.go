package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is the folder to build in: holdfast's module or a module nested in
// it, and for a package that is not holdfast's the working directory, whose
// module has or requires it.
func source(ctx context.Context, nested, pkg string) (string, error) {
	if nested == "" && !strings.HasPrefix(pkg, Module+"/") {
		return os.Getwd()
	}
	dir, err := goCmd(ctx, "", "", nil, "list", "-m", "-f", "{{.Dir}}", Module)
	if err != nil || dir == "" {
		return "", fmt.Errorf("find the source of %s: run inside a module that requires it, or set %s to a folder of built binaries: %w",
			Module, BinEnv, err)
	}
	if nested == "" {
		return dir, nil
	}
	dir = filepath.Join(dir, filepath.FromSlash(nested))
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("module %s is not part of a released holdfast: use a checkout, or set %s to a folder of built binaries: %w",
			nested, BinEnv, err)
	}
	return dir, nil
}

// goCmd runs the toolchain in dir (empty: here) for an operating system (empty:
// this one) and returns its output. What it writes to standard error goes to
// stderr too, which may be nil.
func goCmd(ctx context.Context, dir, system string, stderr io.Writer, args ...string) (string, error) {
	return goCmdIn(ctx, "", dir, system, stderr, args...)
}

// goCmdIn is goCmd with a folder for the toolchain's own temporary files; empty means
// the system's. What a toolchain that is killed leaves there is removed with the folder.
func goCmdIn(ctx context.Context, tmp, dir, system string, stderr io.Writer, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if dir != "" { // in a source of ours, where no workspace of the user's applies
		cmd.Env = append(cmd.Env, "GOWORK=off")
	}
	if system != "" {
		cmd.Env = append(cmd.Env, "GOOS="+system)
	}
	if tmp != "" {
		cmd.Env = append(cmd.Env, "GOTMPDIR="+tmp)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if stderr != nil {
		cmd.Stderr = io.MultiWriter(&errs, stderr)
	}
	if err := runChild(cmd); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("there is no Go toolchain here; set %s to a folder of built binaries: %w", BinEnv, err)
		}
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, withoutPackageNames(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// withoutPackageNames drops the lines by which `go build -v` names what it
// compiles, and keeps its errors.
func withoutPackageNames(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !isPackageName(line) {
			out.WriteString(line)
		}
	}
	return strings.TrimSpace(out.String())
}
