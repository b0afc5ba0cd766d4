package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// EventPattern is an event that the system must tell of: its kind, and what its fields
// must hold; node and region are the event's own. In files it is one line, as it
// would be said: "configured source=disk region=east".
type EventPattern struct {
	Kind   EventKind
	Fields map[string]string // nil when the kind is enough
}

// Matches says whether an event is one of these.
func (t EventPattern) Matches(e Event) bool {
	if e.Source != FromPlatform || e.Kind != t.Kind {
		return false
	}
	for name, want := range t.Fields {
		got := e.Fields[name]
		switch name {
		case "node":
			got = string(e.Node)
		case "region":
			got = string(e.Region)
		}
		if got != want {
			return false
		}
	}
	return true
}

func (t EventPattern) String() string {
	s := string(t.Kind)
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		s += " " + name + "=" + t.Fields[name]
	}
	return s
}

// MarshalText writes the line.
func (t EventPattern) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the line.
func (t *EventPattern) UnmarshalText(text []byte) error {
	*t = EventPattern{}
	for _, word := range strings.Fields(string(text)) {
		name, value, field := strings.Cut(word, "=")
		_, twice := t.Fields[name]
		switch {
		case !field && t.Fields == nil:
			t.Kind = EventKind(strings.TrimSpace(string(t.Kind) + " " + word)) // some are of two words
			continue
		case t.Kind == "":
			return fmt.Errorf("%q has no kind of event: want KIND, or KIND FIELD=VALUE …, such as configured source=disk", text)
		case !field || name == "" || value == "":
			return fmt.Errorf("%q is no field of an event: want FIELD=VALUE, such as source=disk", word)
		case twice:
			return fmt.Errorf("%q says %s twice", text, name)
		case t.Fields == nil:
			t.Fields = map[string]string{}
		}
		t.Fields[name] = value
	}
	if t.Kind == "" {
		return fmt.Errorf("is empty: want the kind of an event, such as elected")
	}
	return nil
}
