package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Disk is what a process that has exited has left in its data folder. A
// Process that can show and change it implements Disk too; see DiskOf. On a
// process that has not exited each method is an error.
type Disk interface {
	// Files lists the files of the folder and of all folders in it, sorted by path.
	Files(ctx context.Context) ([]File, error)
	// Edit replaces the content of a file by what edit makes of it. Owner and
	// mode stay. The same content again, or an error, leaves the file untouched.
	Edit(ctx context.Context, path string, edit func(content []byte) ([]byte, error)) error
	// Wipe empties the folder, so that the process finds nothing at its next start.
	Wipe(ctx context.Context) error
}

// File is a file in a data folder.
type File struct {
	Path     string // relative to the folder, with slashes
	Size     int64  // bytes
	Modified time.Time
}

// DiskOf is the disk of a process; the error is Unsupported where its runtime
// cannot reach it.
func DiskOf(p Process) (Disk, error) {
	if d, ok := p.(Disk); ok {
		return d, nil
	}
	return nil, Unsupported{Reason: fmt.Sprintf("the runtime of %T cannot reach a node's data", p)}
}

// DirDisk is a data folder on this machine, the Disk of runtimes whose nodes
// keep their data here. Its user makes sure that the process has exited.
type DirDisk string

var _ Disk = DirDisk("")

// Files implements Disk.
func (f DirDisk) Files(context.Context) ([]File, error) {
	var out []File
	err := filepath.WalkDir(string(f), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(f), path)
		out = append(out, File{filepath.ToSlash(rel), info.Size(), info.ModTime()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	return out, nil
}

// Edit implements Disk.
func (f DirDisk) Edit(_ context.Context, path string, edit func([]byte) ([]byte, error)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("edit %s: %w", path, err)
		}
	}()
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return errors.New("it is not in the data folder")
	}
	name := filepath.Join(string(f), filepath.FromSlash(path))
	was, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	is, err := edit(bytes.Clone(was))
	if err != nil || bytes.Equal(was, is) {
		return err
	}
	return os.WriteFile(name, is, 0o600) // which keeps the mode of a file that exists
}

// Wipe implements Disk. The folder itself stays.
func (f DirDisk) Wipe(context.Context) error {
	all, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	var errs []error
	for _, e := range all {
		errs = append(errs, os.RemoveAll(filepath.Join(string(f), e.Name())))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	return nil
}
