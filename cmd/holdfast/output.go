package main

import (
	"io"
	"os"

	"github.com/mcp-resilience/holdfast/internal/printable"
)

// Everything that the command prints passes a printable.Writer, so that no text of a
// scenario, a stored run or the system is obeyed by a terminal or a CI service. Only
// what is safe in itself goes around it: JSON, which escapes, and reports and the
// live view, which clean their values and write colours of their own.

// unfiltered is the writer behind the filter.
func unfiltered(w io.Writer) io.Writer {
	if p, ok := w.(*printable.Writer); ok {
		return p.To
	}
	return w
}

// fileOf is the file that is written to, if it is one.
func fileOf(w io.Writer) (*os.File, bool) {
	f, ok := unfiltered(w).(*os.File)
	return f, ok
}
