package checkedfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsAsItWasWrittenOrRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, want := range []string{"first", "", `{"epoch":7}`} {
		if err := Write(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); err != nil || string(got) != want {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: read %q, %v", what, got, err)
		}
	}
	for bit := range 8 * len(whole) {
		b := append([]byte(nil), whole...)
		b[bit/8] ^= 1 << (bit % 8)
		damage("a bit flipped", b)
	}
	for n := range len(whole) {
		damage("cut short", whole[:n])
	}
	damage("longer", append(whole, 0))
	damage("without a checksum", []byte(`{"epoch":7}`))
}
