package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Folders of killed builds stayed for a day, and nothing showed them.
func TestUnfinishedBuildsAreThoseThatNobodyHoldsLocked(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root, err := binDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, workPrefix+"killed", "half"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "0123abcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	living, remove, err := makeWorkDir(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(root, workPrefix+"killed")}
	for _, list := range []func() ([]string, error){Unfinished, RemoveUnfinished} {
		got, err := list()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("unfinished (-want +got), error %v:\n%s", err, diff)
		}
	}
	left, err := os.ReadDir(root)
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v, want a program and the build under way", left, err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(living); !os.IsNotExist(err) {
		t.Errorf("the folder of a build that has ended is still there: %v", err)
	}
}
