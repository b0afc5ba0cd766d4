//go:build linux

package faultfs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/local/faultfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mount mounts a file system for a test, or skips it where that is impossible.
func mount(t *testing.T) (f *faultfs.FS, at, backing string) {
	t.Helper()
	at, backing = t.TempDir(), t.TempDir()
	f, err := faultfs.Mount(backing, at, "faultfs-test")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := f.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return f, at, backing
}

// put writes to a file at an offset, and syncs it if asked to.
func put(t *testing.T, name, what string, at int64, sync bool) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(what), at); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Without a fault it is a folder like any other: what is written is read, here and behind it.
func TestPassesEverythingOn(t *testing.T) {
	_, at, backing := mount(t)
	if err := os.MkdirAll(filepath.Join(at, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(at, "a", "b", "f")
	big := bytes.Repeat([]byte("0123456789"), 50_000)
	if err := os.WriteFile(name, big, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name, name+"2"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name + "2", filepath.Join(backing, "a", "b", "f2")} {
		if content(t, n) != string(big) {
			t.Errorf("%s differs from what was written", n)
		}
	}
	d, err := os.Open(filepath.Join(at, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Errorf("sync a folder: %v", err)
	}
	_ = d.Close()
	if err := os.Remove(name + "2"); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) {
	f, at, _ := mount(t)
	name := filepath.Join(at, "f")
	put(t, name, "before", 0, true)
	f.Set(faultfs.Faults{Full: true})
	if err := os.WriteFile(name, []byte("during"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v, want %v", err, syscall.ENOSPC)
	}
	if err := os.Mkdir(filepath.Join(at, "d"), 0o700); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("mkdir: %v, want %v", err, syscall.ENOSPC)
	}
	if _, err := os.ReadFile(name); err != nil {
		t.Errorf("read: %v", err)
	}
	if f.Counts().Refused < 2 {
		t.Errorf("counted %+v", f.Counts())
	}
	f.Set(faultfs.Faults{})
	put(t, name, "after", 0, true)
}

func TestErrors(t *testing.T) {
	f, at, _ := mount(t)
	name := filepath.Join(at, "f")
	put(t, name, "before", 0, true)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f.Set(faultfs.Faults{ErrorShare: 1})
	if _, err := file.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("write: %v, want %v", err, syscall.EIO)
	}
	if err := file.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v, want %v", err, syscall.EIO)
	}
	f.Set(faultfs.Faults{})
	if got := content(t, name); got != "before" {
		t.Errorf("a write that failed left %q", got)
	}
}

// A delay holds for writes and syncs, and a heal lets go of what is waiting.
func TestSlowDisk(t *testing.T) {
	f, at, _ := mount(t)
	name := filepath.Join(at, "f")
	put(t, name, "before", 0, true)
	const delay = 100 * time.Millisecond
	f.Set(faultfs.Faults{Delay: delay})
	begin := time.Now()
	put(t, name, "during", 0, true)
	if took := time.Since(begin); took < 2*delay {
		t.Errorf("a write and a sync took %v, want %v", took, 2*delay)
	}
	if f.Counts().Delayed < 2 {
		t.Errorf("counted %+v", f.Counts())
	}
	f.Set(faultfs.Faults{Delay: time.Hour})
	done := make(chan struct{})
	go func() {
		defer close(done)
		put(t, name, "healed", 0, true)
	}()
	for f.Counts().Operations == 0 { // it has begun: the first operation is counted before its delay
		time.Sleep(time.Millisecond)
	}
	for waiting := true; waiting; {
		f.Set(faultfs.Faults{})
		select {
		case <-done:
			waiting = false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Power loss takes what was not synced, and leaves what was.
func TestPowerLoss(t *testing.T) {
	f, at, backing := mount(t)
	for name, c := range map[string]struct {
		change func(t *testing.T, name string)
		want   string
	}{
		"synced":             {func(t *testing.T, n string) { put(t, n, "new", 0, true) }, "newtent before"},
		"appended":           {func(t *testing.T, n string) { put(t, n, " and more", 14, false) }, "content before"},
		"overwritten":        {func(t *testing.T, n string) { put(t, n, "CONTENT", 0, false) }, "content before"},
		"synced, then not":   {func(t *testing.T, n string) { put(t, n, "1", 0, true); put(t, n, "22", 0, false) }, "1ontent before"},
		"overwritten twice":  {func(t *testing.T, n string) { put(t, n, "aaaa", 0, false); put(t, n, "bbbbbb", 2, false) }, "content before"},
		"far beyond the end": {func(t *testing.T, n string) { put(t, n, "x", 9000, false) }, "content before"},
		"truncated":          {func(t *testing.T, n string) { must(t, os.Truncate(n, 3)) }, "content before"},
		"written from anew":  {func(t *testing.T, n string) { must(t, os.WriteFile(n, []byte("anew"), 0o600)) }, "content before"},
		"renamed, not synced": {func(t *testing.T, n string) {
			put(t, n, "X", 0, false)
			must(t, os.Rename(n, n+"-"))
			must(t, os.Rename(n+"-", n))
		}, "content before"},
		"each write synced": {func(t *testing.T, n string) {
			file, err := os.OpenFile(n, os.O_WRONLY|syscall.O_DSYNC, 0)
			must(t, err)
			_, err = file.WriteAt([]byte("D"), 0)
			must(t, err)
			must(t, file.Close())
		}, "Dontent before"},
		"untouched": {func(*testing.T, string) {}, "content before"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(at, "f")
			put(t, file, "content before", 0, true)
			must(t, os.Truncate(file, 14))
			put(t, file, "", 0, true)
			c.change(t, file)
			if _, _, err := f.LosePower(); err != nil {
				t.Fatal(err)
			}
			if got := content(t, filepath.Join(backing, "f")); got != c.want {
				t.Errorf("behind it is %q, want %q", got, c.want)
			}
			if got := content(t, file); got != c.want {
				t.Errorf("it has %q, want %q", got, c.want)
			}
			if n := f.Unsynced(); n != 0 {
				t.Errorf("%d writes are not synced after the loss", n)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
