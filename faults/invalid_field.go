package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// InvalidField is a setting that cannot be used: which field, what is wrong with it,
// and the valid value that looks most like it, if any does.
type InvalidField struct {
	Field      string
	Message    string
	Suggestion string
}

func (w InvalidField) Error() string {
	s := w.Field + ": " + w.Message
	if w.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %q?", w.Suggestion)
	}
	return s
}

// oneOf returns nil when value is one of valid; an empty one is not listed.
func oneOf(field, value string, valid ...string) error {
	if slices.Contains(valid, value) {
		return nil
	}
	shown := slices.DeleteFunc(slices.Clone(valid), func(s string) bool { return s == "" })
	return InvalidField{field, fmt.Sprintf("%q is none of %s", value, strings.Join(shown, ", ")), suggest.Closest(value, shown)}
}
