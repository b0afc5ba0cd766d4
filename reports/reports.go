// Package reports turns the record of a run into something to read: report.html
// for people, junit.xml for machines, summary.md for a pull request and a block
// for the terminal. Every report is a pure function of the record: it reads no
// clock, no environment and no network, and it judges nothing.
package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mcp-resilience/holdfast/record"
)

// The files that Write leaves in a run directory.
const (
	HTMLFile    = "report.html"
	JUnitFile   = "junit.xml"
	SummaryFile = "summary.md"
)

// Folder is where the reports are written, a record.Dir.
type Folder interface {
	WriteFile(name string, content []byte) error
}

// Write makes report.html, junit.xml and summary.md in dir. When stepSummary
// is not empty it names a file to which the summary is appended as well; the
// caller takes it from $GITHUB_STEP_SUMMARY. A report that cannot be made does
// not keep the others from being written.
func Write(dir Folder, r *record.Run, stepSummary string) error {
	var errs []error
	for _, f := range []struct {
		name string
		make func(io.Writer, *record.Run) error
	}{
		{HTMLFile, HTML},
		{JUnitFile, JUnit},
		{SummaryFile, Summary},
	} {
		if err := writeFile(dir, f.name, r, f.make); err != nil {
			errs = append(errs, fmt.Errorf("write %s of run %s: %w", f.name, r.ID, err))
		}
	}
	if stepSummary != "" {
		if err := appendSummary(stepSummary, r); err != nil {
			errs = append(errs, fmt.Errorf("append summary of run %s to %s: %w", r.ID, stepSummary, err))
		}
	}
	return errors.Join(errs...)
}

// writeFile replaces the file only once its content is complete, so that a
// reader never sees half a report.
func writeFile(dir Folder, name string, r *record.Run, write func(io.Writer, *record.Run) error) error {
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		return err
	}
	return dir.WriteFile(name, b.Bytes())
}

func appendSummary(path string, r *record.Run) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return Summary(f, r)
}
