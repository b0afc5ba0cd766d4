package cleanup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScratchIsSweptWithItsRunAlone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mine, err := Scratch("2026-11-22T03-00-00Z-mine-aaaa")
	if err != nil {
		t.Fatal(err)
	}
	other, err := Scratch("2026-11-22T03-00-00Z-other-bbbb")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := SweepScratch(t.Context(), "2026-11-22T03-00-00Z-mine-aaaa")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"folder " + mine}, got); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another run's folder is gone: %v", err)
	}
	for _, run := range []string{"", "..", "a/b"} {
		if _, err := SweepScratch(t.Context(), run); err == nil {
			t.Errorf("SweepScratch(%q): no error", run)
		}
	}
	for _, run := range []string{"*", "2026", "2026-11-22T03-00-00Z-other"} {
		if got, err := SweepScratch(t.Context(), run); err != nil || len(got) > 0 {
			t.Errorf("SweepScratch(%q) = %v, %v; want nothing", run, got, err)
		}
	}
}
