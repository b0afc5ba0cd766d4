package local

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

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

// What waits for an answer that a layer will not give goes on when the layer is swept
// away: otherwise nobody could kill it.
func TestSweepFreesWhoWaitsForALayer(t *testing.T) {
	const run = "sweep-mounts-stuck"
	at := t.TempDir()
	layer, err := faultfs.Mount(t.TempDir(), at, mountSource(run))
	if err != nil {
		t.Skip(err)
	}
	f, err := os.Create(filepath.Join(at, "f"))
	if err != nil {
		t.Fatal(err)
	}
	layer.Set(faultfs.Faults{Delay: time.Hour})
	waited := make(chan error, 1)
	go func() {
		_, err := f.WriteString("x")
		waited <- err
	}()
	for layer.Counts().Operations < 2 { // the making of the file, and the write
		time.Sleep(time.Millisecond)
	}
	if _, err := Sweep(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err == nil {
		t.Error("a write to a layer that is gone succeeded")
	}
	_ = f.Close()
	layer.Set(faultfs.Faults{}) // lets go of the operation, so that its goroutine ends
}
