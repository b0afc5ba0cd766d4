package cleanup_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

func TestOrphans(t *testing.T) {
	gone, far := withField(t, 1, "1"), withField(t, 4, "elsewhere")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	for name, c := range map[string]struct {
		folder string // content of the owner file, "" for no folder
		label  *cleanup.Owner
		want   bool
	}{
		"nobody knows":                             {"", nil, false},
		"folder of a dead process":                 {gone.String(), nil, true},
		"folder of this process, not yet locked":   {cleanup.Self().String(), nil, false},
		"folder of another machine":                {far.String(), nil, false},
		"label of a dead process":                  {"", &gone, true},
		"label of this process":                    {"", ptr(cleanup.Self()), false},
		"label of another machine":                 {"", &far, false},
		"the folder decides":                       {cleanup.Self().String(), &gone, false},
		"a folder that says nothing, a dead label": {"?", &gone, true},
		"a folder that says nothing, a living one": {"?", ptr(cleanup.Self()), false},
	} {
		t.Run(name, func(t *testing.T) {
			run := newRun(t)
			if c.folder != "" {
				dir := filepath.Join(cache, "holdfast", "runs", run)
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = cleanup.Remove(run) }()
				for name, text := range map[string]string{"owner": c.folder, "owner.lock": ""} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			lookup := func(context.Context, string) (cleanup.Owner, bool) {
				if c.label == nil {
					return cleanup.Owner{}, false
				}
				return *c.label, true
			}
			if got := len(cleanup.Orphans(t.Context(), []string{run}, lookup)) == 1; got != c.want {
				t.Errorf("an orphan: got %v, want %v", got, c.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestCleanupLogKeepsConcurrentEntries(t *testing.T) {
	run, _ := asWatchdog(t)
	g, err := cleanup.Start(t.Context(), run, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer g.Done()
	want := map[string]bool{}
	var all sync.WaitGroup
	for i := range 50 {
		id := fmt.Sprint("c", i)
		want[id] = true
		all.Go(func() {
			if err := g.Log().Append(cluster.CleanupEntry{What: "container", ID: id, Undo: strings.Repeat("remove ", 200)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := map[string]bool{}
	entries, err := cleanup.Entries(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got[e.ID] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A process that is killed between making the run's folder and writing down that it owns
// the run has made nothing else, and nobody removed the folder.
func TestAFolderThatWasNeverOwnedIsAnOrphan(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	for _, lock := range []bool{false, true} {
		run := newRun(t)
		dir := filepath.Join(cache, "holdfast", "runs", run)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cleanup.Remove(run) }()
		if lock {
			if err := os.WriteFile(filepath.Join(dir, "owner.lock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := cleanup.Orphans(t.Context(), []string{run}); len(got) != 1 {
			t.Errorf("orphans: %q, want %s", got, run)
		}
	}
}

func TestOwnIsSeenBeforeThereIsAWatchdog(t *testing.T) {
	run := newRun(t)
	h, err := cleanup.Own(run)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := cleanup.Runs()
	if err != nil || !slices.Contains(runs, run) {
		t.Errorf("runs: %q, %v, want %s among them", runs, err, run)
	}
	if got := cleanup.Orphans(t.Context(), []string{run}); len(got) != 0 {
		t.Errorf("a run of this process is taken for an orphan: %q", got)
	}
	if _, err := cleanup.Own(run); err == nil {
		t.Error("a run has two owners")
	}
	if err := h.Done(); err != nil {
		t.Fatal(err)
	}
	if runs, err := cleanup.Runs(); err != nil || slices.Contains(runs, run) {
		t.Errorf("runs: %q, %v, want %s gone", runs, err, run)
	}
}
