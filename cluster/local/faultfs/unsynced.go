package faultfs

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// unsynced is what has been written to files and not synced since: for each write,
// what was there before. Undone in reverse, it leaves each file as it was when it was
// last synced. Names are kept: that a file was made, renamed or removed is not undone,
// as if each such change had been synced at once.
type unsynced struct {
	mu    sync.Mutex
	files map[uint64]*file // by inode
}

// file is one file that is open for writing, or has unsynced writes.
type file struct {
	inode   uint64
	backing *os.File
	users   int

	mu     sync.Mutex // over a write and its record
	writes []write
}

// write is what one write or truncation has replaced.
type write struct {
	at   int64
	old  []byte
	size int64 // of the file before
}

func newUnsynced() *unsynced { return &unsynced{files: map[uint64]*file{}} }

// use opens the file at a path of the backing folder, until release.
func (u *unsynced) use(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.files[inode]
	if ok {
		_ = f.Close() // read nothing, wrote nothing
	} else {
		known = &file{inode: inode, backing: f}
		u.files[inode] = known
	}
	known.users++
	return known, nil
}

func (u *unsynced) release(f *file) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f.users--
	u.forget(f)
}

// forget closes a file that nobody uses and that has nothing to undo; u.mu must be held.
func (u *unsynced) forget(f *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users <= 0 && len(f.writes) == 0 && u.files[f.inode] == f {
		delete(u.files, f.inode)
		_ = f.backing.Close() // what it wrote was written by others
	}
}

// change makes a change of n bytes from an offset on, or of all from there on for
// n < 0, and keeps what was there.
func (f *file) change(at, n int64, do func() syscall.Errno) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.backing.Stat()
	if err != nil {
		return syscall.EIO
	}
	w := write{at: at, size: info.Size()}
	if end := info.Size(); at < end {
		if n >= 0 {
			end = min(end, at+n)
		}
		w.old = make([]byte, end-at)
		if _, err := f.backing.ReadAt(w.old, at); err != nil && !errors.Is(err, io.EOF) {
			return syscall.EIO
		}
	}
	if errno := do(); errno != 0 {
		return errno
	}
	f.writes = append(f.writes, w)
	return 0
}

// sync makes a file durable: what was written before it began is not undone any more.
func (u *unsynced) sync(f *file, do func() syscall.Errno) syscall.Errno {
	f.mu.Lock()
	before := len(f.writes)
	f.mu.Unlock()
	if errno := do(); errno != 0 {
		return errno
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	f.mu.Lock()
	f.writes = f.writes[min(before, len(f.writes)):]
	f.mu.Unlock()
	u.forget(f)
	return 0
}

// lose undoes all that was not synced and returns how many writes and bytes that were.
func (u *unsynced) lose() (writes int, bytes int64, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for _, f := range u.files {
		f.mu.Lock()
		info, err := f.backing.Stat()
		if err != nil {
			errs = append(errs, err)
		} else if n := len(f.writes); n > 0 {
			bytes += max(0, info.Size()-f.writes[0].size)
			writes += n
			errs = append(errs, f.undo())
		}
		f.mu.Unlock()
		u.forget(f)
	}
	return writes, bytes, errors.Join(errs...)
}

// undo takes every write back; f.mu must be held.
func (f *file) undo() error {
	for i := len(f.writes) - 1; i >= 0; i-- {
		w := f.writes[i]
		if _, err := f.backing.WriteAt(w.old, w.at); err != nil {
			return err
		}
		if err := f.backing.Truncate(w.size); err != nil {
			return err
		}
	}
	f.writes = nil
	return f.backing.Sync()
}

// pending is how many writes are not synced.
func (u *unsynced) pending() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for _, f := range u.files {
		f.mu.Lock()
		n += len(f.writes)
		f.mu.Unlock()
	}
	return n
}

// close lets go of every file. What is not synced stays.
func (u *unsynced) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range u.files {
		_ = f.backing.Close()
	}
	clear(u.files)
}
