package standby

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnEpochIsSavedInItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	load := func() Epoch {
		t.Helper()
		g, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if g := load(); g != (Epoch{}) {
		t.Errorf("an empty folder is of %+v, want the first epoch", g)
	}
	for _, want := range []Epoch{{Number: 1, Successor: "north-1"}, {Number: 1, Successor: "north-1", Converted: true}, {Number: 2, Successor: "south-1"}} {
		if err := want.Save(dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, load()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v, want one file", entries, err)
	}
	// A file that a power cut left unfinished does not count: the one before it does, and the
	// next write replaces it.
	if err := os.WriteFile(filepath.Join(dir, epochFile+".next"), []byte(`{"num`), 0o644); err != nil {
		t.Fatal(err)
	}
	if g := load(); g.Number != 2 {
		t.Errorf("after an unfinished write the folder is of %+v, want epoch 2", g)
	}
	if err := (Epoch{Number: 3}).Save(dir); err != nil {
		t.Fatal(err)
	}
	if g := load(); g.Number != 3 {
		t.Errorf("the folder is of %+v, want epoch 3", g)
	}
}

// An epoch that cannot be read is not taken for another one.
func TestADamagedEpochFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := (Epoch{Number: 7, Successor: "north-1", Converted: true}).Save(dir); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, epochFile))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, epochFile), b, 0o644); err != nil {
			t.Fatal(err)
		}
		if g, err := Load(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, epochFile)) {
			t.Errorf("%s: read as %+v, %v; want an error that names the file", what, g, err)
		}
	}
	for bit := range 8 * len(whole) {
		b := slices.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		refused(fmt.Sprintf("bit %d flipped", bit), b)
	}
	refused("cut short", []byte(`{"number":`))
	refused("empty", nil)
}

func TestEpochsSpeakDifferentProtocols(t *testing.T) {
	if a, b := (Epoch{Number: 1, Converted: true}).Protocol(), (Epoch{Number: 2}).Protocol(); a == b {
		t.Errorf("both speak %s", a)
	}
	if a, b := (Epoch{Number: 1, Converted: true}).Protocol(), (Epoch{Number: 1}).Protocol(); a != b {
		t.Errorf("one epoch speaks %s and %s", a, b)
	}
}
