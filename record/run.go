// Package record defines the record of a run and its directory on disk: the plan, the phases,
// the faults with their proofs, the events, the operations of the clients, and the result. Every
// instant is an offset from the start of the run on one monotonic clock, and durations are nanoseconds
// in JSON. The package stores and loads records, those of earlier schemas too. It neither runs nor
// judges anything: package harness writes records, package check judges them and package reports
// prints them.
package record

import (
	"encoding/json"
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// NotReached is the offset of an event that did not happen.
const NotReached time.Duration = -1

// Forever is the end of a stretch that did not end within the run.
const Forever = time.Duration(math.MaxInt64)

// Run is the record of one execution of a plan.
type Run struct {
	Meta
	Plan       json.RawMessage `json:"-"` // plan.json
	Phases     []Phase         `json:"phases"`
	Faults     []Fault         `json:"faults"`
	LoadPhases []LoadPhase     `json:"loadPhases,omitempty"`
	Windows    []Window        `json:"windows,omitempty"` // that were judged on their own
	Matrices   []Matrix        `json:"-"`                 // links.json
	Events     []Event         `json:"-"`                 // events.jsonl
	Ops        []history.Op    `json:"-"`                 // history.jsonl.zst
	Machine    []MachineSample `json:"-"`                 // machine.jsonl.zst
	Result     *Result         `json:"-"`                 // verdict.json; nil until judged
	// Checksummed is true when the record is complete and has a ChecksumsFile.
	Checksummed bool `json:"checksummed,omitempty"`
	// NoChecksums is true for a stored record that has none and need not have any, because a version before there
	// were checksums made it: whether it was changed since cannot be told.
	NoChecksums bool `json:"-"`
	// Partial lists what of a stored record is missing or truncated, a line each. It is
	// empty for a complete record, whether that has been judged or not.
	Partial []string `json:"-"`
}

// Meta is the identity of a run, and what it was run on and judged by.
type Meta struct {
	Schema           int               `json:"schema"` // of the run directory; Create fills in Schema
	ID               string            `json:"id"`
	Scenario         string            `json:"scenario"`
	Description      string            `json:"description,omitempty"`
	Target           string            `json:"target"`
	Runtime          string            `json:"runtime"`
	RuntimeReason    string            `json:"runtimeReason,omitempty"` // why this runtime was chosen
	Started          time.Time         `json:"started"`
	Seed             uint64            `json:"seed"`
	Topology         topology.Topology `json:"topology"`
	Objectives       Objectives        `json:"objectives"`
	Expect           Verdict           `json:"expect"`
	ExpectedFailures []string          `json:"expectedFailures,omitempty"` // the ids of the checks that must fail
	Versions         map[string]string `json:"versions,omitempty"`
	// HasRejectionMarks is true when the history marks the writes that a server rejected
	// (history.Op.Rejected). Records of earlier versions do not.
	HasRejectionMarks bool `json:"hasRejectionMarks,omitempty"`
	// Earlier are the attempts at the same plan whose verdict the environment or the scenario left
	// open, so that this run was carried out.
	Earlier []Attempt `json:"earlier,omitempty"`
	// AbortReason is why the run ended early; empty means that it did not.
	AbortReason string `json:"abortReason,omitempty"`
}

// Attempt is an earlier run of the same plan.
type Attempt struct {
	Run     string  `json:"run"` // its id
	Verdict Verdict `json:"verdict"`
	Cause   Cause   `json:"cause"`
}

// Interrupted is the AbortReason of a run whose context ended: somebody pressed Ctrl-C, or
// a deadline was over.
const Interrupted = "interrupted"

// GuardStopped begins the AbortReason of a run whose faults a guard of its scenario stopped.
const GuardStopped = "a guard stopped the faults: "

// The phases of a run, in order.
const (
	Starting  = "start"     // nodes and links come up
	Saturated = "saturate"  // writers as fast as they are answered, where the load asks for it
	Baseline  = "baseline"  // load without faults
	Faulty    = "faults"    // the timeline
	Observing = "observe"   // load past the last heal
	Quiescing = "quiesce"   // load stopped, waiting for convergence
	ReadBack  = "read back" // final reads through every node
	Stopping  = "stop"      // everything is removed
)

// Phase is a stretch of the run. To is NotReached while it lasts.
type Phase struct {
	Name string        `json:"name"`
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Phase returns the named phase and whether the run reached it.
func (r *Run) Phase(name string) (Phase, bool) {
	for _, p := range r.Phases {
		if p.Name == name {
			return p, true
		}
	}
	return Phase{}, false
}

// Window is a stretch of a session that was judged on its own while the system
// lived on. Its record is a run directory under WindowsDir.
type Window struct {
	Name string        `json:"name"`
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	// Quiet is when the load was off, so that what was written could be read back.
	Quiet Span `json:"quiet"`
}

// Times are the instants of an injection or a heal: when it was planned,
// when the engine asked for it, when the call returned, and when a probe over
// the very link or node first showed it. Each may be NotReached.
type Times struct {
	Planned   time.Duration `json:"planned"`
	Requested time.Duration `json:"requested"`
	Confirmed time.Duration `json:"confirmed"`
	Effective time.Duration `json:"effective"`
}

// Fault is one fault as it happened.
type Fault struct {
	ID          string               `json:"id"`   // unique in the run
	Name        string               `json:"name"` // in the catalogue
	Episode     int                  `json:"episode"`
	Description string               `json:"description"` // "kill east-1 (region east)"
	Nodes       []topology.NodeID    `json:"nodes"`       // victims, roles resolved
	Flows       []topology.Flow      `json:"flows,omitempty"`
	Impact      topology.FaultImpact `json:"impact"`
	Inject      Times                `json:"inject"`
	Heal        Times                `json:"heal"`
	// Trigger is what the fault waited for; nil for one that was injected by the clock.
	Trigger *Trigger `json:"trigger,omitempty"`
	// PreExisting is what was measured of the fault's effect before it was injected; empty when there was none.
	PreExisting string `json:"preExisting,omitempty"`
	// The proofs that it was active, that it was cleared, and that it disturbed nothing else.
	Active            Proof `json:"active"`
	Cleared           Proof `json:"cleared"`
	ControlUnaffected Proof `json:"controlUnaffected"`
	// Refused says why the fault was not injected: it would have gone beyond the blast radius of the scenario.
	Refused string `json:"refused,omitempty"`
	// Skipped says why nothing was injected where that is as good: the selector matched no node, and allows it.
	Skipped   string `json:"skipped,omitempty"`
	Error     string `json:"error,omitempty"`
	HealError string `json:"healError,omitempty"`
}

// LoadPhase is a change of the load's rate as it happened. Begin and End are NotReached where it did not.
type LoadPhase struct {
	ID          string        `json:"id"` // unique in the run
	Description string        `json:"description"`
	Trigger     *Trigger      `json:"trigger,omitempty"` // nil for one that began by the clock
	Begin       time.Duration `json:"begin"`
	End         time.Duration `json:"end"`
}

// Trigger is what a fault waited for, and what came of that.
type Trigger struct {
	When  string        `json:"when"`  // as the plan has it: "acknowledged >= 500"
	Armed time.Duration `json:"armed"` // since when it waited
	// Deadline is when it would have given up, and Fired when it did not have to; NotReached when
	// nothing happened until the deadline.
	Deadline time.Duration `json:"deadline"`
	Fired    time.Duration `json:"fired"`
	// Cause is what happened: "elected north-1 term=3", or "500 writes were acknowledged".
	Cause string `json:"cause,omitempty"`
}

// End is when the fault was over for certain: its heal had returned and, where a
// probe measured it, the effect was gone. A fault whose heal failed or was never
// confirmed lasts until the end of the run: its End is Forever.
func (f *Fault) End() time.Duration {
	over := max(f.Heal.Confirmed, f.Heal.Effective)
	if over < 0 || f.HealError != "" {
		return Forever
	}
	return max(over, f.Inject.Requested)
}

// Proof is the result of a probe: what it observed, and whether that is the proof.
type Proof struct {
	Proved   bool   `json:"proved"`
	Observed string `json:"observed"`
}

// Matrix is the measured state of every link at one time.
type Matrix struct {
	When  string        `json:"when"` // "before", "during" or "after" the faults
	At    time.Duration `json:"at"`
	Links []LinkSample  `json:"links"`
}

// LinkSample is one echo over one link: its round-trip time, or why it failed.
type LinkSample struct {
	Link  topology.Link `json:"link"`
	RTT   time.Duration `json:"rtt"`
	Error string        `json:"error,omitempty"`
}
