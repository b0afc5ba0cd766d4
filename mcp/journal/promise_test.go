package journal

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Who takes an epoch of 7 for one of 3 obeys a primary that was fenced.
func TestADamagedPromiseIsRefused(t *testing.T) {
	dir := t.TempDir()
	start := func() (uint64, error) {
		j, err := open(dir, api.Class_SEMISYNC, "east-1", func(events.Kind, string, map[string]string) {}, false)
		if err != nil {
			return 0, err
		}
		return j.promise.data.Epoch, j.file.Close()
	}
	path := filepath.Join(dir, "semisync.promise")
	p, err := openPromise(path)
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
			t.Errorf("with bit %d flipped it starts with a promise of epoch %d, %v; want an error that names the file", bit, epoch, err)
		}
	}
}
