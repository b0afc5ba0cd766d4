package holdfast_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// TestNoRegionIsKnownByName: which regions there are is the target's business or the scenario's. The engine, the checks
// and the reports must work with any.
func TestNoRegionIsKnownByName(t *testing.T) {
	region := regexp.MustCompile(`\b(east|north|south)\b`)
	literals := 0
	for _, room := range []string{"topology", "cluster", "history", "workload", "record", "scenarios", "reports", "check", "harness"} {
		err := filepath.WalkDir(room, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && strings.HasSuffix(e.Name(), "test") && path != "harness/gotest": // fixtures of tests
				return filepath.SkipDir
			case e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					literals++
					if region.MatchString(l.Value) {
						t.Errorf("%s knows a region by name: %s", path, l.Value)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if literals < 1000 {
		t.Errorf("only %d texts were looked at", literals)
	}
}
