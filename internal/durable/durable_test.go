package durable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// watch lists what is synced until the test ends.
func watch(t *testing.T) *[]string {
	t.Helper()
	var synced []string
	former := fsync
	fsync = func(f *os.File) error { synced = append(synced, filepath.Base(f.Name())); return former(f) }
	t.Cleanup(func() { fsync = former })
	return &synced
}

func TestWriteFileReplacesAndSyncsTheFolder(t *testing.T) {
	synced := watch(t)
	folder := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "file")
	for _, content := range []string{"old content", "new"} {
		if err := WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("got %q, %v, want %q", got, err, content)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v, want the file alone", entries, err)
	}
	if diff := cmp.Diff([]string{"run", "run"}, *synced); diff != "" {
		t.Errorf("synced after the renames (-want +got):\n%s", diff)
	}
	if err := WriteFile(filepath.Join(folder, "absent", "file"), nil, 0o644); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v, want not exist", err)
	}
}

// A run directory from elsewhere may hold links to anywhere.
func TestWriteFileInFollowsNoLinkAndLeavesTheFolderClean(t *testing.T) {
	synced := watch(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, "file")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := WriteFileIn(root, "file", []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "mine" {
		t.Errorf("outside the folder there is %q, %v", got, err)
	}
	if got, err := root.ReadFile("file"); err != nil || string(got) != "new" {
		t.Errorf("in the folder there is %q, %v", got, err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || !entries[0].Type().IsRegular() {
		t.Errorf("the folder holds %v, %v, want the file alone", entries, err)
	}
	if len(*synced) != 2 {
		t.Errorf("synced %q, want the file and its folder", *synced)
	}
	if err := WriteFileIn(root, "../outside", nil, 0o644); err == nil {
		t.Error("a file outside of the folder was written")
	}
}

func TestCloseSyncsWhatWasAppended(t *testing.T) {
	synced := watch(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "events"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Close(f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"events"}, *synced); diff != "" {
		t.Errorf("synced (-want +got):\n%s", diff)
	}
	if err := Close(f); err == nil {
		t.Error("closing twice is no error")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Close(null); err != nil {
		t.Errorf("a device cannot be synced, and is closed all the same: %v", err)
	}
}
