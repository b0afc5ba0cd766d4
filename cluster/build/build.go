package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// built remembers what this process has built, so that a run asks the
// toolchain once for each program.
var built = &shelf{slots: map[string]*slot{}}

type shelf struct {
	mu    sync.Mutex
	slots map[string]*slot
}

type slot struct {
	mu  sync.Mutex
	bin string
}

// get builds once; a build that failed is tried again.
func (s *shelf) get(ctx context.Context, system, module, pkg string) (string, error) {
	s.mu.Lock()
	key := system + "\n" + module + "\n" + pkg
	one := s.slots[key]
	if one == nil {
		one = new(slot)
		s.slots[key] = one
	}
	s.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.bin != "" {
		return one.bin, nil
	}
	bin, err := compile(ctx, system, module, pkg)
	if err == nil {
		one.bin = bin
	}
	return bin, err
}

// compile builds into the user's cache. Two processes may do so at once: each
// writes a file of its own and puts it in place in one step.
func compile(ctx context.Context, system, module, pkg string) (_ string, err error) {
	dir, err := source(ctx, module, pkg)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// Checkouts do not share binaries, or one would run the other's code.
	key := fmt.Sprintf("%.8x", sha256.Sum256([]byte(system+"\n"+dir+"\n"+pkg)))
	target := filepath.Join(cache, "holdfast", "bin", key, name(system, pkg))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(target), "build-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	fresh := filepath.Join(scratch, name(system, pkg))
	// Handed its last result, the toolchain sees when nothing changed and does
	// not link again.
	if err := duplicate(target, fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if ours := module != "" || strings.HasPrefix(pkg, Module+"/"); !ours {
		dir = "" // here, where a workspace of the user's applies
	}
	if _, err := golang(ctx, dir, system, "build", "-trimpath", "-buildvcs=false", "-o", fresh, pkg); err != nil {
		return "", err
	}
	return target, os.Rename(fresh, target)
}

// source is the folder to build in: holdfast's module or a module nested in
// it, and for a package that is not holdfast's the working directory, whose
// module has or requires it.
func source(ctx context.Context, nested, pkg string) (string, error) {
	if nested == "" && !strings.HasPrefix(pkg, Module+"/") {
		return os.Getwd()
	}
	dir, err := golang(ctx, "", "", "list", "-m", "-f", "{{.Dir}}", Module)
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

// golang runs the toolchain in dir (empty: here) for an operating system (empty:
// this one) and returns its output.
func golang(ctx context.Context, dir, system string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if dir != "" { // in a source of ours, where no workspace of the user's applies
		cmd.Env = append(cmd.Env, "GOWORK=off")
	}
	if system != "" {
		cmd.Env = append(cmd.Env, "GOOS="+system)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("there is no Go toolchain here; set %s to a folder of built binaries: %w", BinEnv, err)
		}
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func duplicate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
