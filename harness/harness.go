// Package harness is the engine: it runs a plan on a runtime, drives and breaks
// the system, reads everything back and judges. It knows neither testing nor
// Ginkgo nor any system under test by name.
package harness

import (
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
)

// Options are where and how a plan is run.
type Options struct {
	Target  targets.Target
	Runtime cluster.Driver
	// RuntimeWhy says why this runtime, for the record.
	RuntimeWhy string
	// Source is the scenario file as given, kept in the record; may be nil.
	Source []byte
	// Root is the folder of run directories; empty means "runs".
	Root string
	// Watch is told of the run's progress as it happens; nil means nobody.
	// It must not block.
	Watch func(Progress)
	// StepSummary names a file to which the summary is appended as well, as
	// $GITHUB_STEP_SUMMARY does; empty means none.
	StepSummary string
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
