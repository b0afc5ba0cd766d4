package scenarios

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a scenario file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 where the place is not known
	Field        string // "steps[1].with.mode"; empty for the file as a whole
	Says         string
	Nearest      string // the valid name that may have been meant
}

// Error is file:line:column: field: problem; did you mean "x"?
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	b.WriteString(": " + p.Says)
	if p.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Nearest)
	}
	return b.String()
}

// Problems is all that is wrong with a scenario, in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
