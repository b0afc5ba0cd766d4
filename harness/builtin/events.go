package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// checkEvents refuses a scenario that waits for, guards against or expects an event that its target never reports: such
// a guard would guard nothing.
func checkEvents(s scenarios.Scenario, target targets.Target) error {
	_, reports := target.(targets.EventSource)
	lister, knows := target.(targets.EventLister)
	for _, of := range eventsOf(s) {
		switch {
		case !reports && of.waited:
			return s.Diagnostic(of.field, "target "+target.Name()+" reports no events", "")
		case knows && !slices.Contains(lister.EventKinds(), of.kind):
			var kinds []string
			for _, k := range lister.EventKinds() {
				kinds = append(kinds, string(k))
			}
			return s.Diagnostic(of.field, fmt.Sprintf("%q is no event of target %s; there are %s", of.kind, target.Name(), strings.Join(kinds, ", ")),
				suggest.Closest(string(of.kind), kinds))
		}
	}
	return nil
}

// namedEvent is a field of a scenario and the kind of event that it names.
type namedEvent struct {
	field  string
	kind   record.EventKind
	waited bool // the run waits for it; what is only expected is judged, and unknown where nothing is reported
}

func eventsOf(s scenarios.Scenario) []namedEvent {
	var out []namedEvent
	trigger := func(field string, t scenarios.Trigger) {
		if t.Kind == scenarios.SystemEvent {
			out = append(out, namedEvent{field, t.Event.Kind, true})
		}
	}
	patterns := func(field string, all []record.EventPattern, waited bool) {
		for i, p := range all {
			out = append(out, namedEvent{fmt.Sprintf("%s[%d]", field, i), p.Kind, waited})
		}
	}
	for i, d := range s.Steps {
		trigger(fmt.Sprintf("steps[%d].when", i), d.When)
	}
	for i, l := range s.LoadPhases {
		trigger(fmt.Sprintf("loadPhases[%d].when", i), l.When)
	}
	patterns("guards.events", s.Guards.Events, true)
	patterns("objectives.expectEvents", s.Objectives.ExpectEvents, false)
	return out
}
