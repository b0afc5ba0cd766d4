package protocols

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// FieldError is a setting that makes no sense.
type FieldError struct {
	Field      string // as the client section has it, such as operations.write.ok
	Message    string // what is wrong with it, and what would be right
	Suggestion string // the valid value that may have been meant, or ""
}

func (e FieldError) Error() string {
	s := e.Field + ": " + e.Message
	if e.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %q?", e.Suggestion)
	}
	return s
}

// OneOf returns a FieldError unless the value is empty or one of those that are valid.
func OneOf(field, value string, valid ...string) error {
	if value == "" || slices.Contains(valid, value) {
		return nil
	}
	return FieldError{field, fmt.Sprintf("%q is none of %s", value, strings.Join(valid, ", ")), suggest.Closest(value, valid)}
}
