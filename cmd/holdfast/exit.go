package main

import (
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/record"
)

// The exit statuses that are not verdicts; those are record.Verdict.ExitCode.
const (
	exitEnvironment = 3  // no engine, no image, a port taken, a folder not writable
	exitUsage       = 64 // wrong words on the command line, or a bad file
)

// exitError is an error, or an outcome already told, with its exit status.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageErr is a mistake of whoever typed the command or wrote the file.
func usageErr(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// environmentErr is the machine's fault.
func environmentErr(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitEnvironment, err}
}

// exitCode is the status for an error that came up to the root.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitEnvironment
}

// resultExit is the status for a run: 0 when it came out as its scenario says
// it must. An expected failure that did not come, or not of the promise that
// was to break, is a failed objective; one that was not put to its test is unknown.
func resultExit(j *record.Result) int {
	if j.AsExpected() {
		return 0
	}
	if j.Verdict == record.Fail && len(j.MissingFailures()) == 0 && len(j.UnprovenFaults()) > 0 {
		return record.Unknown.ExitCode()
	}
	if j.Verdict == record.Pass {
		return record.Fail.ExitCode()
	}
	return j.Verdict.ExitCode()
}

// exitWith ends the command with a status after everything has been said.
func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// worstExit is the exit status of two runs together: a failed objective before an
// unknown, that before a pass.
func worstExit(a, b int) int {
	rank := map[int]int{0: 0, record.Unknown.ExitCode(): 1, record.Fail.ExitCode(): 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
