package holdfast_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestNoMergeConflictIsLeft: documents are not compiled, so nothing else would notice one.
func TestNoMergeConflictIsLeft(t *testing.T) {
	markers := [][]byte{[]byte("\n<<<<<<<" + " "), []byte("\n>>>>>>>" + " ")}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{".git", "bin", "runs", "dist"}, e.Name()):
			return filepath.SkipDir
		case !slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".html", ".txtar"}, filepath.Ext(path)):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range markers {
			if bytes.Contains(content, m) {
				t.Errorf("%s has a marker of a merge conflict: %s", path, bytes.TrimSpace(m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
