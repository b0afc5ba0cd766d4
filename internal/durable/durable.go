// Package durable writes files so that they are still there, and whole, when the machine
// loses power a moment later. It notices nothing that a disk changes afterwards.
package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// fsync is replaced by tests, which cannot turn the power off.
var fsync = (*os.File).Sync

// WriteFile replaces a file as a whole: a reader sees the old content or the new, and
// nothing between. When it returns, the content and its name in the folder are on the disk.
func WriteFile(path string, content []byte, perm os.FileMode) error {
	folder := filepath.Dir(path)
	// The default folder for the unfinished file may be on another disk.
	if err := renameio.WriteFile(path, content, perm, renameio.WithTempDir(folder)); err != nil {
		return err
	}
	return SyncFolder(folder)
}

// WriteFileIn is WriteFile for a file of a folder that somebody else may have filled.
// Nothing outside the folder is written: a symbolic link of that name is replaced and
// not followed.
func WriteFileIn(folder *os.Root, name string, content []byte, perm os.FileMode) error {
	unfinished := "." + name + "." + rand.Text()
	f, err := folder.OpenFile(unfinished, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, Close(f)); err == nil {
		err = folder.Rename(unfinished, name)
	}
	if err != nil {
		return errors.Join(err, folder.Remove(unfinished))
	}
	d, err := folder.Open(".")
	if err != nil {
		return err
	}
	if err := errors.Join(fsync(d), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", folder.Name(), err)
	}
	return nil
}

// SyncFolder brings the names in a folder to the disk. A file that was created and
// synced can otherwise be missing after a loss of power.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(fsync(f), f.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", path, err)
	}
	return nil
}

// Close brings what was appended to a file to the disk, and closes it.
func Close(f *os.File) error { return errors.Join(syncFile(f), f.Close()) }

// syncFile takes a file that cannot be synced, such as a device or a pipe, as it is.
func syncFile(f *os.File) error {
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	return fsync(f)
}
