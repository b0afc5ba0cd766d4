package record

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever of a sealed record was lost, cut off or edited is named.
func TestASealedRecordShowsWhatWasChanged(t *testing.T) {
	double := func(t *testing.T, dir, file string) {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), append(b, b...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	touch := func(t *testing.T, dir, file string) {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		do   func(t *testing.T, dir, file string)
		file string
		want []string
	}{
		"nothing":              {func(*testing.T, string, string) {}, "", nil},
		"events doubled":       {double, EventsFile, []string{"events.jsonl was changed after the run had ended"}},
		"events removed":       {remove, EventsFile, []string{"events.jsonl is missing"}},
		"history doubled":      {double, HistoryFile, []string{"history.jsonl.zst was changed after the run had ended"}},
		"history removed":      {remove, HistoryFile, []string{"history.jsonl.zst is missing"}},
		"plan edited":          {touch, PlanFile, []string{"plan.json was changed after the run had ended"}},
		"run edited":           {touch, RunFile, []string{"run.json was changed after the run had ended"}},
		"links removed":        {remove, LinksFile, []string{"links.json is missing"}},
		"scenario edited":      {touch, ScenarioFile, []string{"scenario.yaml was changed after the run had ended"}},
		"sums removed":         {remove, ChecksumsFile, []string{"SHA256SUMS is missing"}},
		"the verdict is ours ": {touch, VerdictFile, nil}, // it is made anew
	} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			r.Checksummed = true
			d := reopen(t, store(t, r))
			if err := d.WriteChecksums(); err != nil {
				t.Fatal(err)
			}
			tt.do(t, d.Path, tt.file)
			got, err := Load(d.Path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Partial); diff != "" {
				t.Errorf("partial (-want +got):\n%s", diff)
			}
		})
	}
}

// reopen opens a stored run for writing until the test ends.
func reopen(t *testing.T, d *Dir) *Dir {
	t.Helper()
	d, err := Reopen(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// Removing the field that says that a record has checksums does not switch them off.
// Before, nothing was looked at without it.
func TestChecksumsCannotBeSwitchedOff(t *testing.T) {
	edit := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			file := filepath.Join(dir, RunFile)
			b, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(b), old) {
				t.Fatalf("no %s in %s, %v", old, b, err)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(b), old, new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	const missing = "SHA256SUMS is missing, and run.json does not say that the record has checksums, which that of every finished run does"
	for name, tt := range map[string]struct {
		edits []func(t *testing.T, dir string)
		want  []string
	}{
		"as it was":                     {nil, nil},
		"the field removed":             {[]func(*testing.T, string){edit(",\n  \"checksummed\": true", "")}, []string{"run.json was changed after the run had ended"}},
		"the field false":               {[]func(*testing.T, string){edit("\"checksummed\": true", "\"checksummed\": false")}, []string{"run.json was changed after the run had ended"}},
		"field and sums removed":        {[]func(*testing.T, string){edit(",\n  \"checksummed\": true", ""), func(t *testing.T, dir string) { remove(t, dir, ChecksumsFile) }}, []string{missing}},
		"a run that was killed":         {[]func(*testing.T, string){edit(",\n  \"checksummed\": true", ""), edit("\"to\": 9000000000", "\"to\": -1"), func(t *testing.T, dir string) { remove(t, dir, ChecksumsFile) }}, nil},
		"a record of the past has none": {[]func(*testing.T, string){edit(",\n  \"checksummed\": true", ""), edit(fmt.Sprintf("\"schema\": %d", Schema), "\"schema\": 1"), func(t *testing.T, dir string) { remove(t, dir, ChecksumsFile) }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			r.Checksummed = true
			r.Phases[len(r.Phases)-1].To = 9 * time.Second
			d := reopen(t, store(t, r))
			if err := d.WriteChecksums(); err != nil {
				t.Fatal(err)
			}
			for _, change := range tt.edits {
				change(t, d.Path)
			}
			got, err := Load(d.Path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Partial); diff != "" {
				t.Errorf("partial (-want +got):\n%s", diff)
			}
			if want := strings.HasPrefix(name, "a record of the past"); got.NoChecksums != want {
				t.Errorf("whether nothing shows a change: %v, want %v", got.NoChecksums, want)
			}
		})
	}
}

// The sums are for sha256sum too.
func TestSumsAreThoseOfSha256sum(t *testing.T) {
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("no sha256sum here")
	}
	d := reopen(t, store(t, sample()))
	if err := d.WriteChecksums(); err != nil {
		t.Fatal(err)
	}
	check := exec.Command(tool, "--check", "--strict", ChecksumsFile)
	check.Dir = d.Path
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
