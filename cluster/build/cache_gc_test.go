package build

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestUnusedBinariesAreRemoved(t *testing.T) {
	root, now := t.TempDir(), time.Now()
	for name, c := range map[string]struct {
		age  time.Duration
		kept bool
	}{
		"used":         {24 * time.Hour, true},
		"unused":       {40 * 24 * time.Hour, false},
		"build-young":  {time.Hour, true},
		"build-killed": {30 * time.Hour, false},
	} {
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "mcpd"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, now.Add(-c.age), now.Add(-c.age)); err != nil {
			t.Fatal(err)
		}
		removeUnused(root, now)
		if _, err := os.Stat(dir); (err == nil) != c.kept {
			t.Errorf("%s, last used %v ago: %v, want kept %v", name, c.age, err, c.kept)
		}
	}
}
