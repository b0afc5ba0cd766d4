package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/record"
)

func TestWhich(t *testing.T) {
	root := t.TempDir()
	old, new, twin := "2026-11-21T03-00-00Z-kill-leader-aaaa", "2026-11-22T03-00-00Z-slow-wan-bbbb", "2026-11-22T03-00-01Z-slow-wan-cccc"
	for _, id := range []string{old, new, twin} {
		if err := os.MkdirAll(filepath.Join(root, id), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, id, record.RunFile), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "9-not-a-run"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := &app{runs: root}
	for _, tt := range []struct{ name, want, err string }{
		{name: "last", want: twin},
		{name: old, want: old},
		{name: "2026-11-21", want: old},
		{name: "bbbb", want: new},
		{name: filepath.Join(root, new), want: new},
		{name: filepath.Join(root, new) + "/", want: new},
		{name: "2026-11-22", err: "is the beginning of 2 runs"},
		{name: "lats", err: `did you mean "last"?`},
		{name: "9-not-a-run", err: "no run"},
		{name: filepath.Join(root, "9-not-a-run"), err: "is not a run directory"},
	} {
		got, err := a.which(tt.name)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || exitCode(err) != exitUsage {
				t.Errorf("which(%q): error %v, want one that says %q and exits %d", tt.name, err, tt.err, exitUsage)
			}
			continue
		}
		if err != nil || got != filepath.Join(root, tt.want) {
			t.Errorf("which(%q) = %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}
