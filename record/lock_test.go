package record

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A run directory has one writer: the process that executes the run, and after
// that whoever rewrites its files.
func TestARunDirectoryHasOneWriter(t *testing.T) {
	d, err := Create(t.TempDir(), Meta{ID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	wantInUse := func(what string, err error, by Activity) {
		t.Helper()
		got, ok := errors.AsType[InUseError](err)
		if !ok || got.PID != os.Getpid() || got.Activity != by || got.Path != d.Path {
			t.Errorf("%s: error %v, want that process %d is %s the run", what, err, os.Getpid(), by)
		}
	}
	wantInUse("a run that is being executed", InUse(d.Path), Executing)
	_, err = Reopen(d.Path)
	wantInUse("reopen a run that is being executed", err, Executing)

	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if err := InUse(d.Path); err != nil {
		t.Errorf("a run that has ended: %v", err)
	}
	again, err := Reopen(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	wantInUse("a run whose files are being rewritten", InUse(d.Path), Rewriting)
	_, err = Reopen(d.Path)
	wantInUse("reopen it twice", err, Rewriting)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := InUse(d.Path); err != nil {
		t.Errorf("after the rewriting: %v", err)
	}
}

// Runs of earlier versions have no lock file, and looking at one makes none.
func TestARunWithoutALockFileIsNotInUse(t *testing.T) {
	dir := t.TempDir()
	if err := InUse(dir); err != nil {
		t.Errorf("InUse: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, LockFile)); err == nil {
		t.Error("looking at a run made a lock file")
	}
}
