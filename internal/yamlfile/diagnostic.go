package yamlfile

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/printable"
)

// Diagnostic is one thing that is wrong with a file.
type Diagnostic struct {
	File         string
	Line, Column int    // from 1; 0 where the position is not known
	Field        string // "steps[1].with.mode"; empty for the file as a whole
	Message      string
	Suggestion   string // the valid name that may have been meant
}

// Error is file:line:column: field: problem; did you mean "x"? It is one line, safe to
// print whatever the file holds.
func (p Diagnostic) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	b.WriteString(": " + p.Message)
	if p.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Suggestion)
	}
	return printable.Line(b.String())
}

// Diagnostics is all that is wrong with a file, in the order of the file.
type Diagnostics []Diagnostic

// Error is one line for each diagnostic, up to a number that a reader works through
// at a time.
func (ps Diagnostics) Error() string {
	const limit = 20
	var lines []string
	for _, p := range ps[:min(limit, len(ps))] {
		lines = append(lines, p.Error())
	}
	if more := len(ps) - limit; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
