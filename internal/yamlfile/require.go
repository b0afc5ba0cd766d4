package yamlfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// RequireOneOf reports a value that is none of valid, and suggests the closest.
func (s *Source) RequireOneOf(field, value string, valid []string) {
	if !slices.Contains(valid, value) {
		s.Report(field, fmt.Sprintf("%q is none of %s", value, strings.Join(valid, ", ")), suggest.Closest(value, valid))
	}
}

// RequireDuration reports a duration that is out of range. Zero means the default,
// unless the file gives it.
func (s *Source) RequireDuration(field string, d, low, high time.Duration) {
	if (d != 0 || s.Given(field)) && (d < low || d > high) {
		s.Report(field, fmt.Sprintf("%v is out of range: want %v to %v", d, low, high), "")
	}
}

// RequireInt is RequireDuration for whole numbers.
func (s *Source) RequireInt(field string, n, low, high int) {
	if (n != 0 || s.Given(field)) && (n < low || n > high) {
		s.Report(field, fmt.Sprintf("%d is out of range: want %d to %d", n, low, high), "")
	}
}
