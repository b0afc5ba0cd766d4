package main

import (
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/record"
)

// The exit statuses that are not verdicts; those are record.Verdict.ExitCode.
const (
	exitEnvironment = 3   // no engine, no image, a port taken, a folder not writable
	exitUsage       = 64  // wrong arguments on the command line, or a bad file
	exitInterrupted = 130 // the run was interrupted; a second interrupt ends the command at once
)

// exitHelp documents every exit status. The help of the root and of each verb
// that judges runs prints it.
const exitHelp = `Exit status:
    0  the run came out as its scenario expects
    1  an objective was missed, or an expected failure did not occur
    2  the verdict is unknown or vacuous: the run proves nothing either way
    3  the environment failed: no engine, no image, a port taken, a run in use,
       or a machine that was too busy for the run to prove anything
   64  wrong arguments, or a bad scenario file
  130  interrupted: faults are healed and everything is removed; after a second
       interrupt the watchdog does that`

// exitError carries an exit status, and the error that led to it if that has
// not been printed yet.
type exitError struct {
	code int
	err  error // nil: everything has been printed
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageErr is a mistake on the command line or in a scenario file.
func usageErr(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// environmentErr is a failure of the machine or the engine, not of the system under test.
func environmentErr(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitEnvironment, err}
}

// exitCode is the exit status for an error that reached the root.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return exitEnvironment
}

// resultExit is the exit status of a judged run: 0 when it came out as its
// scenario expects. An expected failure that did not occur, or a failure of
// another check than the expected one, is a failed objective; an expected failure
// whose fault was not proved to be active is unknown.
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
	if j.Cause == record.CauseEnvironment {
		return exitEnvironment
	}
	return j.Verdict.ExitCode()
}

// exitWith ends the command with a status once everything has been printed.
func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// worstExit is the exit status of two runs together: a failed objective outranks
// an unknown verdict, which outranks a pass. That the user interrupted outranks all.
func worstExit(a, b int) int {
	rank := map[int]int{0: 0, exitEnvironment: 1, record.Unknown.ExitCode(): 2, record.Fail.ExitCode(): 3, exitInterrupted: 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
