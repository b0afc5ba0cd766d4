package primarybackup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// A node that reads the promised epoch 7 as 3 would accept a primary that was fenced.
func TestADamagedEpochFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	start := func() (uint64, error) {
		j, err := open(dir, api.Class_SEMISYNC, "east-1", func(events.Kind, string, map[string]string) {}, Defects{})
		if err != nil {
			return 0, err
		}
		return j.epochFile.promised.Epoch, j.file.Close()
	}
	path := filepath.Join(dir, "semisync.promise")
	p, err := openEpochFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.raise(7); err != nil {
		t.Fatal(err)
	}
	if epoch, err := start(); err != nil || epoch != 7 {
		t.Fatalf("epoch %d is promised, %v; want 7", epoch, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(whole) {
		b := slices.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if epoch, err := start(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("with bit %d flipped it opens with promised epoch %d, %v; want an error that names the file", bit, epoch, err)
		}
	}
}

func TestAPromisedEpochSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "promise")
	for _, tt := range []struct{ raise, want uint64 }{{0, 0}, {3, 3}, {2, 3}, {7, 7}} {
		p, err := openEpochFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.raise(tt.raise); err != nil {
			t.Fatal(err)
		}
		if p, err = openEpochFile(path); err != nil || p.promised.Epoch != tt.want {
			t.Errorf("after promising %d: %v, %v; want %d", tt.raise, p, err, tt.want)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openEpochFile(path); err == nil {
		t.Error("a damaged file was read as no promise")
	}
}
