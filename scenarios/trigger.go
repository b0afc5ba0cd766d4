package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Trigger is what a step waits for once its time has come: only what happens from then on counts. In
// files it is one line, such as "acknowledged >= 500". The zero Trigger waits for nothing.
type Trigger struct {
	Kind TriggerKind
	// Writes is for WritesAcknowledged, Node for NodeRejoining, Event for SystemEvent, and
	// Step with State for StepReached.
	Writes int
	Node   topology.NodeID
	Event  record.EventPattern
	Step   string // its id in the plan; in a file, that of its first episode
	State  StepState
}

// TriggerKind is what sort of thing a trigger waits for.
type TriggerKind string

// The kinds of triggers.
const (
	LeaderChanged      TriggerKind = "leader-changed" // a leader is elected
	WritesAcknowledged TriggerKind = "acknowledged"   // so many writes are acknowledged
	NodeRejoining      TriggerKind = "node"           // a node that a fault had taken down is started again
	SystemEvent        TriggerKind = "event"          // the system reports an event
	StepReached        TriggerKind = "step"           // another step has come so far; this may have been before
)

// StepState is how far a step has come.
type StepState string

// The states of steps, in their order.
const (
	StepRequested StepState = "requested" // the engine has asked for the fault
	StepActive    StepState = "active"    // the fault is proved active
	StepHealed    StepState = "healed"    // its heal is confirmed
	StepCleared   StepState = "cleared"   // its effect is proved gone
)

var stepStates = []StepState{StepRequested, StepActive, StepHealed, StepCleared}

// IsZero reports whether there is nothing to wait for.
func (t Trigger) IsZero() bool { return t.Kind == "" }

// String is the line that UnmarshalText reads.
func (t Trigger) String() string {
	switch t.Kind {
	case WritesAcknowledged:
		return fmt.Sprintf("acknowledged >= %d", t.Writes)
	case NodeRejoining:
		return fmt.Sprintf("node %s rejoining", t.Node)
	case SystemEvent:
		return "event " + t.Event.String()
	case StepReached:
		return fmt.Sprintf("%s is %s", t.Step, t.State)
	default:
		return string(t.Kind)
	}
}

// MarshalText writes the trigger as a line.
func (t Trigger) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// triggerForms are the lines that there are, for errors.
const triggerForms = "leader-changed, acknowledged >= NUMBER, node NAME rejoining, event KIND FIELD=VALUE …, or STEP is requested, active, healed or cleared"

// UnmarshalText reads a trigger from a line.
func (t *Trigger) UnmarshalText(text []byte) error {
	words := strings.Fields(string(text))
	*t = Trigger{}
	switch {
	case len(words) == 0:
		return fmt.Errorf("is empty: want %s", triggerForms)
	case len(words) == 1 && words[0] == string(LeaderChanged):
		t.Kind = LeaderChanged
		return nil
	case words[0] == string(WritesAcknowledged):
		n, err := 0, error(nil)
		if len(words) == 3 {
			n, err = strconv.Atoi(words[2])
		}
		if len(words) != 3 || words[1] != ">=" || err != nil || n < 1 {
			return fmt.Errorf("%q counts nothing: want acknowledged >= NUMBER, such as acknowledged >= 500", text)
		}
		t.Kind, t.Writes = WritesAcknowledged, n
		return nil
	case len(words) == 3 && words[0] == string(NodeRejoining) && words[2] == "rejoining":
		t.Kind, t.Node = NodeRejoining, topology.NodeID(words[1])
		return nil
	case words[0] == string(SystemEvent):
		t.Kind = SystemEvent
		return t.Event.UnmarshalText([]byte(strings.Join(words[1:], " ")))
	case len(words) == 3 && words[1] == "is":
		state := StepState(words[2])
		if !slices.Contains(stepStates, state) {
			return withSuggestion(fmt.Errorf("%q is no state of a step: want one of %s", state, strings.Join(stringsOf(stepStates), ", ")), suggest.Closest(words[2], stringsOf(stepStates)))
		}
		t.Kind, t.Step, t.State = StepReached, words[0], state
		return nil
	}
	near := suggest.Closest(words[0], []string{string(LeaderChanged), string(WritesAcknowledged), string(NodeRejoining), string(SystemEvent)})
	return withSuggestion(fmt.Errorf("%q is no trigger: want %s", text, triggerForms), near)
}

func withSuggestion(err error, near string) error {
	if near == "" {
		return err
	}
	return fmt.Errorf("%w; did you mean %q?", err, near)
}

// Matches reports whether an event fires the trigger. Counts of writes, and what a restarted node was,
// are not in events: the engine knows them.
func (t Trigger) Matches(e record.Event) bool {
	switch t.Kind {
	case LeaderChanged:
		return e.Source == record.FromPlatform && e.Kind == record.EventElected
	case SystemEvent:
		return t.Event.Matches(e)
	case StepReached:
		return e.Fault == t.Step && e.Source == t.State.source() && e.Kind == t.State.event()
	default:
		return false
	}
}

func (s StepState) event() record.EventKind {
	return map[StepState]record.EventKind{
		StepRequested: record.EventInjectRequested, StepActive: record.EventActive,
		StepHealed: record.EventHealConfirmed, StepCleared: record.EventCleared,
	}[s]
}

func (s StepState) source() record.EventSource {
	if s == StepActive || s == StepCleared {
		return record.FromProbe
	}
	return record.FromFault
}

// Reached reports whether a fault on record has come so far. Active means that it is so still.
func (s StepState) Reached(f record.Fault) bool {
	switch s {
	case StepRequested:
		return f.Inject.Requested >= 0 && f.Error == ""
	case StepActive:
		return f.Active.Proved && f.Heal.Requested < 0
	case StepHealed:
		return f.Heal.Confirmed >= 0
	default:
		return f.Cleared.Proved
	}
}

// validateTriggers reports what is wrong with what steps wait for.
func (s *Scenario) validateTriggers(src *yamlfile.Source) {
	for i, d := range s.Steps {
		field := fmt.Sprintf("steps[%d].within", i)
		limitDuration(src, field, d.Within)
		if d.When.IsZero() && (d.Within != 0 || src.Given(field)) {
			src.Report(field, "is the longest wait for `when`, and there is none", "")
		}
	}
	all := occurrences(s.Steps)
	ids := make([]string, len(all))
	for i, o := range all {
		ids[i] = o.id
	}
	for i, o := range all {
		if o.when.Kind != StepReached {
			continue
		}
		src.RequireOneOf(o.whenPath, o.when.Step, ids)
		if chain := waitsForItself(all, i); chain != "" {
			src.Report(o.whenPath, "is never reached: "+chain, "")
		}
	}
}

// waitsForItself describes how a step waits, over others, for itself; empty when it does not.
func waitsForItself(all []occurrence, begin int) string {
	chain := all[begin].id
	for i, n := begin, 0; n <= len(all); n++ {
		next := slices.IndexFunc(all, func(o occurrence) bool { return o.id == all[i].when.Step })
		if all[i].when.Kind != StepReached || next < 0 {
			return ""
		}
		chain += " waits for " + all[next].id
		if i = next; i == begin {
			return chain
		}
	}
	return "" // another step further on waits for itself, and is reported there
}

// validateTriggerNode reports a trigger for a node that the topology does not have.
func validateTriggerNode(src *yamlfile.Source, field string, when Trigger, t topology.Topology) {
	if when.Kind == NodeRejoining {
		src.RequireOneOf(field, string(when.Node), stringsOf(idsOf(t.Nodes)))
	}
}

// DefaultWithin is how long a step waits for its trigger when it does not say.
const DefaultWithin = 30 * time.Second

// withinOf is how long the step waits at most; 0 for a step without a trigger.
func (d StepSpec) withinOf() time.Duration {
	if d.When.IsZero() {
		return 0
	}
	return cmp.Or(d.Within, DefaultWithin)
}
