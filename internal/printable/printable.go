// Package printable makes text from outside (what the system under test says, what a
// scenario file or a stored run holds) safe to print. A terminal obeys control
// characters, and a CI service obeys lines that begin with "::".
package printable

import (
	"bytes"
	"io"
	"strings"
	"unicode"
)

// Line makes a string safe for every format and puts it on one line: valid UTF-8, no
// control characters (XML 1.0 has no way to write most of them), no bidirectional
// overrides, and no command that a CI service carries out when it finds it in a log.
func Line(s string) string {
	return withoutCommands(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		return safe(r)
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

func safe(r rune) rune {
	if r == 0xFFFE || r == 0xFFFF || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) {
		return '\uFFFD'
	}
	return r
}

// withoutCommands takes the effect from the commands of GitHub Actions, "::error::" at
// the beginning of a line and "##[error]" anywhere, and of Azure Pipelines, "##vso[".
func withoutCommands(s string) string {
	if command := strings.TrimLeft(s, " "); strings.HasPrefix(command, "::") {
		s = s[:len(s)-len(command)] + ": :" + command[len("::"):]
	}
	if strings.Contains(s, "##") {
		s = ciCommands.Replace(s)
	}
	return s
}

var ciCommands = strings.NewReplacer("##[", "## [", "##vso[", "## vso[")

// Writer makes each line that is written to it safe as Line does, but for tabs, which
// stay. It passes whole lines on; Flush passes on the rest. What holds several
// lines from outside can still look like lines of ours: use Line for each value.
type Writer struct {
	To   io.Writer
	rest []byte
}

func (w *Writer) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	if end == 0 {
		return len(b), nil
	}
	var out strings.Builder
	for line := range strings.Lines(string(w.rest[:end])) {
		out.WriteString(keepTabs(strings.TrimSuffix(line, "\n")) + "\n")
	}
	w.rest = append(w.rest[:0], w.rest[end:]...)
	if _, err := io.WriteString(w.To, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Flush passes on a last line that has no end.
func (w *Writer) Flush() error {
	_, err := io.WriteString(w.To, keepTabs(string(w.rest)))
	w.rest = nil
	return err
}

func keepTabs(line string) string {
	return withoutCommands(strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return safe(r)
	}, strings.ToValidUTF8(line, "\uFFFD")))
}
