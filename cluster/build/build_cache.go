package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// builds remembers what this process has built, so that a run asks the
// toolchain once for each program.
var builds = &buildCache{entries: map[key]*entry{}}

// key is a program: for which system, in which module, and its main package.
type key struct{ system, module, pkg string }

// ours says whether the package is built in holdfast's source or in a module
// nested in it, and not in the user's own.
func (k key) ours() bool { return k.module != "" || strings.HasPrefix(k.pkg, Module+"/") }

type buildCache struct {
	mu      sync.Mutex
	entries map[key]*entry
}

type entry struct {
	mu  sync.Mutex // held while it is built
	bin string
}

func (c *buildCache) entry(k key) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[k] == nil {
		c.entries[k] = new(entry)
	}
	return c.entries[k]
}

// get builds once; a build that failed is tried again.
func (c *buildCache) get(ctx context.Context, k key) (string, error) {
	e := c.entry(k)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bin != "" {
		return e.bin, nil
	}
	bins, err := compile(ctx, k)
	if err != nil {
		return "", err
	}
	e.bin = bins[0]
	return e.bin, nil
}

// getAll builds what has not been built of several programs that one call of
// the toolchain can build. Others that ask for one of them meanwhile wait.
func (c *buildCache) getAll(ctx context.Context, ks []key) error {
	// Always in the same order, or two of these could wait for each other.
	slices.SortFunc(ks, func(a, b key) int { return strings.Compare(a.pkg, b.pkg) })
	var missing []key
	var entries []*entry
	for _, k := range slices.Compact(ks) {
		e := c.entry(k)
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.bin == "" {
			missing, entries = append(missing, k), append(entries, e)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	bins, err := compile(ctx, missing...)
	if err != nil {
		return err
	}
	for i, e := range entries {
		e.bin = bins[i]
	}
	return nil
}

// compile builds programs of one system and module into the user's cache by one
// call of the toolchain, and returns their paths. Two processes may do so at
// once: each writes files of its own and puts them in place in one step.
func compile(ctx context.Context, ks ...key) (_ []string, err error) {
	system := ks[0].system
	dir, err := source(ctx, ks[0].module, ks[0].pkg)
	if err != nil {
		return nil, err
	}
	root, err := binDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	scratch, remove, err := makeWorkDir(root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	targets, pkgs := make([]string, len(ks)), make([]string, len(ks))
	for i, k := range ks {
		// Checkouts do not share binaries, or one would run the other's code.
		id := fmt.Sprintf("%.8x", sha256.Sum256([]byte(system+"\n"+dir+"\n"+k.pkg)))
		pkgs[i], targets[i] = k.pkg, filepath.Join(root, id, name(system, k.pkg))
		// Handed its last result, the toolchain sees when nothing changed and does
		// not link again.
		if err := duplicate(targets[i], filepath.Join(scratch, name(system, k.pkg))); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	if !ks[0].ours() {
		dir = "" // here, where a workspace of the user's applies
	}
	if err := goBuild(ctx, dir, system, scratch, pkgs); err != nil {
		return nil, err
	}
	for i, k := range ks {
		if err := install(filepath.Join(scratch, name(system, k.pkg)), targets[i]); err != nil {
			return nil, err
		}
	}
	removeUnused(root, time.Now())
	_, _ = RemoveUnfinished() // what cannot be removed costs only disk
	return targets, nil
}

// duplicate makes to the same file as from, by a link where the file system has
// them. The toolchain never writes into a file that exists but puts another in
// its place, so from stays as it is.
func duplicate(from, to string) (err error) {
	if err := os.Link(from, to); err == nil || errors.Is(err, os.ErrNotExist) {
		return err
	}
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

// install puts a built binary in its place and marks it as used now. A new one
// is on the disk before it has its name: the toolchain would take one that a
// power cut left half written for up to date. The folder is not synced: a name
// that is lost costs another link, nothing else.
func install(fresh, target string) error {
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	is, err := os.Stat(fresh)
	if err != nil {
		return err
	}
	if was, err := os.Stat(target); err != nil || !os.SameFile(is, was) {
		if err := syncFile(fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, target); err != nil {
			return err
		}
	}
	now := time.Now()
	return os.Chtimes(dir, now, now)
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
