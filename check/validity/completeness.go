// Package validity judges whether a run means anything: whether it and its record are
// complete, whether its faults are proved, and whether its nodes crashed by themselves. Downgrade changes
// the failures that an incomplete record does not prove.
package validity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// Completeness judges whether the run and its record are complete. What is missing from a record
// cannot be proved from it.
func Completeness(run *index.Run) []record.Finding {
	f := record.Finding{Check: "run", Verdict: record.Pass, Description: "ran to its end"}
	r := run.Record
	failures := sandboxFailures(r)
	switch {
	case len(failures) > 0:
		f.Verdict, f.Cause, f.Evidence = record.Unknown, record.CauseHarness, failures
		f.Description = "a part of the framework failed, so that nothing is proved of the system: " + strings.Join(failures, ", ")
	case strings.HasPrefix(r.AbortReason, record.GuardStopped):
		f.Verdict, f.Cause, f.Description = record.Unknown, record.CauseScenario, r.AbortReason
	case r.AbortReason != "":
		f.Verdict, f.Cause, f.Description = record.Unknown, record.CauseEnvironment, "the run ended early: "+r.AbortReason
	case run.OpenPhase() != "":
		f.Verdict, f.Cause, f.Description = record.Unknown, record.CauseEnvironment, "the record ends in phase "+run.OpenPhase()
	case len(r.Partial) > 0:
		f.Verdict, f.Cause, f.Description, f.Evidence = record.Unknown, record.CauseHarness, "the record is incomplete: "+strings.Join(r.Partial, ", "), r.Partial
	case len(r.Ops) == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was recorded"
	}
	return []record.Finding{f}
}

// Downgrade turns failures into unknowns that an incomplete record cannot prove, and those that
// a run which ended early cannot. Both can prove that service was away for longer than the objective.
// A run in which a sandbox or link proxy failed proves nothing; one whose faults could not be
// healed, and one whose machine had no processor to spare, prove nothing of how the system fared. What was
// lost or read wrongly stays proved. Then it sees to it that every open finding names its cause.
func Downgrade(run *index.Run, findings []record.Finding) {
	failures, unhealed := sandboxFailures(run.Record), notHealed(run)
	meanwhile := interference.Within(run.Interference, run.Start, run.End)
	for i := range findings {
		f := &findings[i]
		open := func(cause record.Cause, why string) {
			f.Verdict, f.Cause, f.Description = record.Unknown, cause, fmt.Sprintf("%s (not proved: %s)", f.Description, why)
		}
		switch {
		case f.Verdict != record.Fail:
		case len(failures) > 0:
			open(record.CauseHarness, "a part of the framework had failed")
		case !run.Complete() && f.Check != "rto":
			open(record.CauseHarness, "the record is incomplete")
		case run.Record.AbortReason != "" && mightStillHappen(run.Objectives, f):
			open(record.CauseEnvironment, "the run ended early, and it might still have happened")
		case unhealed != "" && (service[f.Check] || mightStillHappen(run.Objectives, f)):
			open(record.CauseHarness, unhealed+" could not be healed and is in force ever since")
		case len(meanwhile) > 0 && mightStillHappen(run.Objectives, f):
			open(interference.CauseOf(meanwhile), interference.Summarize(meanwhile))
		case reactions[f.Check]:
			if busy := starved(run, f.At); len(busy) > 0 {
				open(record.CauseEnvironment, interference.Summarize(busy))
			}
		}
	}
	whole := record.Cause("") // of a run that as a whole proves nothing: what is open then has the same cause
	for _, f := range findings {
		if f.Check == "run" && f.Verdict == record.Unknown {
			whole = f.Cause
		}
	}
	for i := range findings {
		nameCause(run, &findings[i], whole)
	}
}

// service are the checks of how the system served while faults were in force, and reactions those
// of what it did for want of an answer: a busy machine makes a system late, and one that is late
// takes its own nodes for dead.
var (
	service   = map[string]bool{"rto": true, "rto stages": true, "availability": true, "latency": true, "load shedding": true, "disconnected operation": true}
	reactions = map[string]bool{"false alarms": true, "leader change": true, "traffic switch": true, "load shedding": true, "disconnected operation": true, "redelivery": true, "delivery": true}
)

// starved lists the windows in which the machine was busy: those that may have led to what happened at
// an instant, up to a stability window before it, or all since the baseline began where no instant is known.
func starved(run *index.Run, at time.Duration) []interference.Window {
	from, to := run.Baseline.From, run.End
	if at > 0 {
		from, to = at-run.SLO.Stable, at
	}
	return slices.DeleteFunc(interference.Within(run.Interference, from, to), func(w interference.Window) bool {
		return w.Cause != record.CauseEnvironment
	})
}

// notHealed names the first fault whose heal failed; it is empty when there is none.
func notHealed(run *index.Run) string {
	for _, f := range run.Faults {
		if f.HealError != "" {
			return f.ID
		}
	}
	return ""
}

// nameCause gives an open finding that names no cause the one that such findings have, and that of the run
// where the run as a whole proves nothing.
func nameCause(run *index.Run, f *record.Finding, whole record.Cause) {
	switch {
	case f.Verdict == record.Pass || f.Verdict == record.Fail:
		f.Cause = ""
	case whole != "":
		f.Cause = whole
	case f.Cause != "":
	case len(starved(run, f.At)) > 0 && (service[f.Check] || reactions[f.Check] || strings.HasPrefix(f.Check, "fault ")):
		f.Cause = record.CauseEnvironment
	case f.Verdict == record.Vacuous:
		f.Cause = record.CauseScenario
	case strings.HasPrefix(f.Check, "fault "):
		f.Cause = record.CauseHarness // we could not inject, heal or measure it
	default:
		f.Cause = record.CauseSystem
	}
}

// sandboxFailures lists the sandboxes and link proxies that failed during the run.
func sandboxFailures(r *record.Run) []string {
	var out []string
	for _, e := range r.Events {
		if e.Source == record.FromEngine && e.Kind == record.EventSandboxFailed {
			out = append(out, fmt.Sprintf("%s at %s", e.Description, duration.Format(e.At)))
		}
	}
	return out
}

// mightStillHappen reports whether a finding fails because something did not happen, or not often
// enough, that a longer run might have shown.
func mightStillHappen(o record.Objectives, f *record.Finding) bool {
	switch f.Check {
	case "expected events", "load shedding", "disconnected operation", "availability":
		return true
	case "leader change":
		return *o.LeaderChange
	case "traffic switch":
		return *o.TrafficSwitch
	case "quorum loss rejection":
		return len(f.Evidence) == 0 // the evidence is writes that were acknowledged
	}
	return false
}
