package record

import (
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Event is something that happened during the run. It is one line of events.jsonl.
type Event struct {
	At          time.Duration     `json:"at"` // offset from the run's start
	Source      EventSource       `json:"source"`
	Kind        EventKind         `json:"kind"`
	Node        topology.NodeID   `json:"node,omitempty"`   // the node that reported it, or that it is about
	Region      topology.Region   `json:"region,omitempty"` // of that node
	Fault       string            `json:"fault,omitempty"`  // id of the fault it is about
	Description string            `json:"description,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"`
}

// EventSource is who reported an event.
type EventSource string

// The sources of events.
const (
	FromEngine   EventSource = "engine"
	FromFault    EventSource = "fault"    // a fault was injected or healed
	FromProbe    EventSource = "probe"    // holdfast measured the effect of a fault, or asked who leads
	FromPlatform EventSource = "platform" // the system under test
	FromLinks    EventSource = "links"    // the link proxies
)

// Election says whether the event is the election of a leader: reported by the system, or
// seen by asking the nodes (FromProbe) where the system reports nothing.
func (e *Event) Election() bool {
	return e.Kind == EventElected && (e.Source == FromPlatform || e.Source == FromProbe)
}

// EventSources lists the sources in the order in which reports name them.
func EventSources() []EventSource {
	return []EventSource{FromEngine, FromFault, FromProbe, FromPlatform, FromLinks}
}

// EventKind is what happened. A target may report kinds of its own beside those
// below: they stand on the report's timeline and can be expected by name
// (Objectives.ExpectEvents), but no check and no figure depends on them.
type EventKind string

// Events of the system under test that checks and reports understand. A target that
// is a targets.EventSource translates its system's events to these; what it leaves out
// makes the checks that need it unknown, never wrong.
const (
	// EventElected is the election of a leader. The check "leader change" looks for it, it ends the
	// recovery stage "elect", and reports mark it on the timeline with its FieldTerm.
	EventElected EventKind = "elected"
	// EventBusElected is the election of a leader of a message stream. It ends the
	// recovery stage "elect" when no EventElected does.
	EventBusElected EventKind = "bus elected"
	// EventStrike is one failed or slow probe of the node in FieldPeer: not yet a
	// suspicion. It ends the recovery stage "detect" when no EventSuspect does.
	EventStrike EventKind = "strike"
	// EventSuspect reports that the reporting node considers the node in FieldPeer lost. It ends
	// the recovery stage "detect", and the check "false alarms" counts it.
	EventSuspect EventKind = "suspect"
	// EventConfirmed reports that the system as a whole declares the node in FieldPeer lost. It
	// ends the recovery stage "arbitrate", and the check "false alarms" counts it.
	EventConfirmed EventKind = "confirmed"
	// EventWeights reports that client traffic was moved between regions. It ends the recovery
	// stage "switch traffic", and the check of traffic switches looks for it. FieldLost
	// names the node whose loss caused it, if one did.
	EventWeights EventKind = "weights"
	// EventPromoted reports that the reporting node has caught up as leader and serves.
	EventPromoted EventKind = "promoted"
	// EventRejoined reports that a node that was lost is back.
	EventRejoined EventKind = "rejoined"
)

// Fields of the system's events that checks and reports read.
const (
	FieldPeer = "peer" // the node that an EventStrike, EventSuspect or EventConfirmed is about
	FieldLost = "lost" // the node whose loss caused an EventWeights
	FieldFor  = "for"  // how long an EventSandboxStalled took, as time.Duration prints it
	FieldTerm = "term" // the term that an EventElected begins, in decimal
)

// Events of the engine (FromEngine).
const (
	// EventCrashed reports that a node exited and no fault had ended it. The check
	// "node crashes" fails the run for it.
	EventCrashed EventKind = "crashed"
	// EventOutOfMemory is EventCrashed where the kernel had killed the node for its memory,
	// which the harness may have caused: the verdict is then unknown.
	EventOutOfMemory EventKind = "out of memory"
	// EventSandboxFailed reports that a sandbox or link proxy, a part of the framework, failed.
	// What clients experienced on its links does not count against the system: no check may fail
	// the run, whose verdict is unknown.
	EventSandboxFailed EventKind = "sandbox failed"

	// EventSandboxRestored says that a sandbox or link proxy that failed was made again with its links, and
	// EventSandboxLost that it could not be, and why: its links carry nothing from then on.
	EventSandboxRestored EventKind = "sandbox restored"
	EventSandboxLost     EventKind = "sandbox lost"

	// EventSandboxStalled says that a sandbox or link proxy did not answer for the time in FieldFor, up to
	// now. What clients met meanwhile is not charged to the system.
	EventSandboxStalled EventKind = "sandbox stalled"

	EventPhase        EventKind = "phase"         // a phase of the run begins
	EventBuild        EventKind = "build"         // the nodes' programs are being built
	EventStart        EventKind = "start"         // nodes and links are being started
	EventStarted      EventKind = "started"       // every node and link is up
	EventReady        EventKind = "ready"         // every client is served
	EventLoad         EventKind = "load"          // the load begins
	EventWindow       EventKind = "window"        // a window begins, or was judged
	EventReadBack     EventKind = "read back"     // the final reads begin
	EventNotConverged EventKind = "not converged" // a node had not caught up when the final reads began
	EventNotDrained   EventKind = "not drained"   // a consumer had not received everything in time
	EventJudge        EventKind = "judge"         // the record is complete and is being judged
	EventArmed        EventKind = "armed"         // a step begins to wait for its trigger
	EventTriggered    EventKind = "triggered"     // what a step waited for has happened
	EventNotTriggered EventKind = "not triggered" // it did not until the deadline, so the step is not carried out
	EventNotice       EventKind = "notice"        // information that no verdict depends on
	EventAborted      EventKind = "aborted"       // the run ended early
)

// Events of faults (FromFault) and of the probes that prove them (FromProbe).
const (
	EventInjectRequested EventKind = "requested"      // the engine asks for the fault
	EventInjectConfirmed EventKind = "confirmed"      // the call returned; the same word as EventConfirmed, from another source
	EventInjectFailed    EventKind = "failed"         // the fault could not be injected
	EventRefused         EventKind = "refused"        // nothing was injected, because the blast radius does not allow it
	EventSkipped         EventKind = "skipped"        // nothing was injected, because no node matched and that is allowed
	EventExtended        EventKind = "extended"       // the fault lasts longer than asked, until it is proved
	EventHealRequested   EventKind = "heal requested" // the engine asks for its end
	EventHealConfirmed   EventKind = "healed"         // that call returned
	EventHealFailed      EventKind = "heal failed"    // the fault could not be healed

	EventActive          EventKind = "active"           // a probe measures the fault's effect
	EventNotActive       EventKind = "not active"       // no probe measured it in time
	EventControlAffected EventKind = "control affected" // a link or node that the fault should not affect is disturbed
	EventCleared         EventKind = "cleared"          // a probe measures that the effect is gone
	EventNotCleared      EventKind = "not cleared"      // the effect outlasted the heal
)
