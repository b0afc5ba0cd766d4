package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
			d := store(t, r)
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

// The sums are for sha256sum too.
func TestSumsAreThoseOfSha256sum(t *testing.T) {
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("no sha256sum here")
	}
	d := store(t, sample())
	if err := d.WriteChecksums(); err != nil {
		t.Fatal(err)
	}
	check := exec.Command(tool, "--check", "--strict", ChecksumsFile)
	check.Dir = d.Path
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
