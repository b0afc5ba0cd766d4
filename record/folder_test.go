package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A run directory from elsewhere is read and judged again only if nothing in it leads
// out of it. Before, judging one again wrote through run.lock and through the charts.
func TestARunDirectoryWithLinksIsRefused(t *testing.T) {
	for _, name := range []string{RunFile, LockFile, HistoryFile, VerdictFile, "linearizability-k.html", "report.html", NodesDir, "nodes/east-1.log", "deep/er/link"} {
		t.Run(name, func(t *testing.T) {
			outside := filepath.Join(t.TempDir(), "mine")
			if err := os.WriteFile(outside, []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := store(t, sample())
			path := filepath.Join(d.Path, name)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside, path); err != nil {
				t.Fatal(err)
			}
			want := path + " is a symbolic link"
			if _, err := Load(d.Path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Load: %v, want %q", err, want)
			}
			if again, err := Reopen(d.Path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Reopen: %v, %v, want %q", again, err, want)
			}
			if b, err := os.ReadFile(outside); err != nil || string(b) != "{}" {
				t.Errorf("the file outside is %q, %v", b, err)
			}
		})
	}
}

// Nobody writes to this pipe, so that reading it would never end.
func TestARunDirectoryWithAPipeIsRefused(t *testing.T) {
	d := store(t, sample())
	path := filepath.Join(d.Path, RunFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Skipf("make a pipe: %v", err)
	}
	for name, load := range map[string]func(string) (*Run, error){"Load": Load, "LoadSummary": LoadSummary} {
		if _, err := load(d.Path); err == nil || !strings.Contains(err.Error(), path+" is neither a file nor a folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadSummaryFollowsNoLink(t *testing.T) {
	d, other := store(t, sample()), store(t, sample())
	path := filepath.Join(d.Path, VerdictFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(other.Path, VerdictFile), path); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSummary(d.Path); err == nil || !strings.Contains(err.Error(), path+" is a symbolic link") {
		t.Errorf("got %v", err)
	}
}

// What is read of a directory from elsewhere is bounded, and the error names the file
// and the bound.
func TestLoadingIsBounded(t *testing.T) {
	for _, tt := range []struct {
		file, content, want string
	}{
		{LinksFile, "[{}" + strings.Repeat(",{}", maxValues/2) + "]", "has more than 2000000 values"},
		{RunFile, `{"schema":3,"id":"` + strings.Repeat("a", maxFile) + `"}`, "is longer than 32 MiB"},
		{EventsFile, `{"description":"` + strings.Repeat("a", maxEventLine) + "\"}\n", ":1: the line is longer than 1 MiB"},
		{EventsFile, strings.Repeat("{}\n", maxEvents+1), "has more than 1000000 events"},
		{EventsFile, string(bytes.Repeat([]byte{'a'}, maxEventsFile+1)), "is longer than 128 MiB"},
	} {
		d := store(t, sample())
		path := filepath.Join(d.Path, tt.file)
		if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(d.Path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %.300v, want an error that names the file and says %q", tt.file, err, tt.want)
		}
	}
}

// An event that could not be read back does not make the whole record unreadable.
func TestAnEventThatIsTooLongIsLeftOut(t *testing.T) {
	d, err := Create(t.TempDir(), sample().Meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Event(Event{Source: FromPlatform, Kind: "elected", Description: strings.Repeat("a", maxEventLine)}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Load(d.Path)
	if err != nil || len(r.Events) != 1 || !strings.Contains(r.Events[0].Description, fmt.Sprint("one may have ", maxEventLine)) {
		t.Errorf("got %v, %v", r, err)
	}
}
