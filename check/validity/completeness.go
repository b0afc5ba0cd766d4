// Package validity judges whether a run means anything: whether it and its record are
// complete, whether its faults are proved, and whether its nodes crashed by themselves. Downgrade changes
// the failures that an incomplete record does not prove.
package validity

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/check/index"
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
		f.Verdict, f.Evidence = record.Unknown, failures
		f.Description = "a part of the framework failed, so that nothing is proved of the system: " + strings.Join(failures, ", ")
	case r.AbortReason != "":
		f.Verdict, f.Description = record.Unknown, "the run ended early: "+r.AbortReason
	case run.OpenPhase() != "":
		f.Verdict, f.Description = record.Unknown, "the record ends in phase "+run.OpenPhase()
	case len(r.Partial) > 0:
		f.Verdict, f.Description, f.Evidence = record.Unknown, "the record is incomplete: "+strings.Join(r.Partial, ", "), r.Partial
	case len(r.Ops) == 0:
		f.Verdict, f.Description = record.Vacuous, "no operation was recorded"
	}
	return []record.Finding{f}
}

// Downgrade changes failures to unknown where the record does not prove them. An incomplete record
// proves only that service was unavailable for longer than the objective. A run that ended early does
// not prove that something would never have happened. A run in which a sandbox or link proxy failed
// proves nothing.
func Downgrade(run *index.Run, findings []record.Finding) {
	failures := sandboxFailures(run.Record)
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Verdict != record.Fail:
		case len(failures) > 0:
			f.Verdict, f.Description = record.Unknown, f.Description+" (not proved: a part of the framework had failed)"
		case !run.Complete() && f.Check != "rto":
			f.Verdict, f.Description = record.Unknown, f.Description+" (not proved: the record is incomplete)"
		case run.Record.AbortReason != "" && mightStillHappen(run.Objectives, f):
			f.Verdict, f.Description = record.Unknown, f.Description+" (not proved: the run ended early, and it might still have happened)"
		}
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
