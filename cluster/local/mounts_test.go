package local

import (
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/local/faultfs"
)

// A layer that a killed run has left in front of a disk is found by the run's name and
// taken away, and none of another run is.
func TestSweepTakesMountsAway(t *testing.T) {
	mount := func(run string) (at string, layer *faultfs.FS) {
		at = t.TempDir()
		layer, err := faultfs.Mount(t.TempDir(), at, mountSource(run))
		if err != nil {
			t.Skip(err)
		}
		return at, layer
	}
	at, _ := mount("sweep-mounts-1")
	_, another := mount("sweep-mounts-2")
	t.Cleanup(func() {
		if err := another.Unmount(); err != nil {
			t.Error(err)
		}
	})
	if all, err := Runs(t.Context()); err != nil || !slices.Contains(all, "sweep-mounts-1") {
		t.Errorf("runs are %v, %v, want the mount's among them", all, err)
	}
	gone, err := Sweep(t.Context(), "sweep-mounts-1")
	if err != nil || !slices.Contains(gone, "mount "+at) {
		t.Errorf("sweep took away %v, %v, want the mount", gone, err)
	}
	left := leftoverMounts()
	if len(left["sweep-mounts-1"]) > 0 || len(left["sweep-mounts-2"]) != 1 {
		t.Errorf("left are %v, want the mount of the other run alone", left)
	}
}
