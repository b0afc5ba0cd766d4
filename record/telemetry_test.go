package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
)

func TestTelemetryRoundTrip(t *testing.T) {
	d, err := record.Create(t.TempDir(), record.Meta{ID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got, err := record.Samples(d.Path); err != nil || got != nil {
		t.Errorf("a run without metrics has %v, error %v", got, err)
	}
	metrics, err := d.Lines(record.MetricsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Sample{
		{At: time.Second, Node: "east-1", Values: map[string]float64{`a{b="c"}`: 1.5}},
		{At: 2 * time.Second, Node: "north-1", Values: map[string]float64{}},
	}
	for _, s := range want {
		if err := metrics.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := metrics.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Samples(d.Path); err != nil { // as after a crash
		t.Errorf("what was flushed cannot be read: %v", err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flushed (-want +got)\n%s", diff)
	}
	if err := metrics.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := record.Samples(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(d.Path, record.TracesFile), []byte("not zstd"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Spans(d.Path); err == nil {
		t.Error("a file that is no trace can be read")
	}
}

// A file that leads out of the run directory is not followed, whichever way it is read.
func TestTelemetryDoesNotLeadOutOfTheRunDirectory(t *testing.T) {
	d, err := record.Create(t.TempDir(), record.Meta{ID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, read := range map[string]func() error{
		record.MachineFile: func() error { _, err := record.MachineSamples(d.Path); return err },
		record.MetricsFile: func() error { _, err := record.Samples(d.Path); return err },
		record.TracesFile:  func() error { _, err := record.Spans(d.Path); return err },
	} {
		if err := os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), filepath.Join(d.Path, name)); err != nil {
			t.Fatal(err)
		}
		if err := read(); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s is a link, and reading it says: %v", name, err)
		}
	}
}
