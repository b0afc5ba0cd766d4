package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// EventPattern describes an event that the system must report: its kind, and the values
// of some of its fields. The fields "node" and "region" are those of the event itself. In files a
// pattern is one line: "configured source=disk region=east".
type EventPattern struct {
	Kind   EventKind
	Fields map[string]string // nil when the kind is enough
}

// Matches reports whether an event of the system under test fits the pattern.
func (p EventPattern) Matches(e Event) bool {
	if e.Source != FromPlatform || e.Kind != p.Kind {
		return false
	}
	for name, want := range p.Fields {
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

// String is the line that UnmarshalText reads, with the fields sorted by name.
func (p EventPattern) String() string {
	s := string(p.Kind)
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		s += " " + name + "=" + p.Fields[name]
	}
	return s
}

// MarshalText writes the pattern as a line.
func (p EventPattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a pattern from a line.
func (p *EventPattern) UnmarshalText(text []byte) error {
	*p = EventPattern{}
	for _, word := range strings.Fields(string(text)) {
		name, value, field := strings.Cut(word, "=")
		_, twice := p.Fields[name]
		switch {
		case !field && p.Fields == nil:
			p.Kind = EventKind(strings.TrimSpace(string(p.Kind) + " " + word)) // some kinds have two words
			continue
		case p.Kind == "":
			return fmt.Errorf("%q has no kind of event: want KIND, or KIND FIELD=VALUE …, such as configured source=disk", text)
		case !field || name == "" || value == "":
			return fmt.Errorf("%q is no field of an event: want FIELD=VALUE, such as source=disk", word)
		case twice:
			return fmt.Errorf("%q gives %s twice", text, name)
		case p.Fields == nil:
			p.Fields = map[string]string{}
		}
		p.Fields[name] = value
	}
	if p.Kind == "" {
		return fmt.Errorf("is empty: want the kind of an event, such as elected")
	}
	return nil
}
