// Package harness is the engine: it runs a plan on a runtime, drives and breaks
// the system, reads everything back and judges. It knows neither testing nor
// Ginkgo nor any system under test by name.
package harness

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// Options are where and how a plan is run.
type Options struct {
	Target  targets.Target
	Runtime cluster.Kind
	// RuntimeWhy says why this runtime, for the record.
	RuntimeWhy string
	// Source is the scenario file as given, kept in the record; may be nil.
	Source []byte
	// Root is the folder of run directories; empty means "runs".
	Root string
	// Watch is told of the run's progress as it happens; nil means nobody.
	// It must not block.
	Watch func(Progress)
	// Log takes debug lines; nil means none.
	Log io.Writer
}

// Progress is the state of a run at an instant. One is sent at each event
// and at least ten times a second.
type Progress struct {
	ID    string
	At    time.Duration
	Phase string
	// Ends is when the phase is planned to end at the latest; record.Never when that is not known.
	Ends   time.Duration
	Event  *record.Event // what just happened, nil for a tick
	Active []string      // faults under way, as they say
	Rates  []Rate        // over the last second that is decided
}

// Rate is what one client region saw over the last second.
type Rate struct {
	Region string
	Due    int     // operations a second
	OK     float64 // share, 0 to 1
	P99    time.Duration
}

// Run carries out a plan and returns its record, judged and saved with its
// reports, and the folder that holds it. The error is of the environment (no engine, a node that does not
// start); a system that breaks its promises is a verdict, not an error. When
// ctx ends, faults are healed, everything is removed, and the partial record
// is returned with Broken set and the verdict unknown.
func Run(ctx context.Context, p scenarios.Plan, o Options) (*record.Run, string, error) {
	return nil, "", errors.New("not written yet")
}

// Rejudge judges a stored run again with today's checks, rewrites its verdict
// and reports, and returns it. No cluster is needed.
func Rejudge(ctx context.Context, dir string) (*record.Run, error) {
	return nil, errors.New("not written yet")
}
