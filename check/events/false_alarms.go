package events

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// FalseAlarms counts the alarms about nodes and those that were false: about a node that the
// run's own faults had left up and connected. A suspicion is excused while the node that reports it and
// the suspect cannot talk, a confirmation while the node can reach nobody
// who could lead. Either is excused for one stability window after the heal
// too, for an alarm about what was true may come late, and a node takes a moment to
// be back. Slowness excuses nothing: telling it from loss is what a detector is for.
// The figures are nil for a system that reports no events.
func FalseAlarms(run *index.Run) (*record.Alarms, []record.Finding) {
	reported := run.PlatformEvents()
	var alarms *record.Alarms
	var first time.Duration // false one
	if len(reported) > 0 {
		alarms, first = countAlarms(run, reported)
	}
	allowed := run.Objectives.FalseAlarms
	if allowed == nil {
		return alarms, nil
	}
	f := record.Finding{Check: "false alarms"}
	if alarms == nil {
		f.Verdict, f.Description = record.Unknown, noEvents
		return nil, []record.Finding{f}
	}
	f.Evidence = alarms.False
	f.Description = fmt.Sprintf("%s, %d false", format.Count(alarms.Raised, "alarm"), alarms.FalseCount)
	switch {
	case alarms.FalseCount > *allowed:
		f.Verdict, f.At = record.Fail, first
		f.Description += fmt.Sprintf(" > %d, first: %s", *allowed, alarms.False[0])
	case len(run.Faults) == 0:
		f.Verdict, f.Description = record.Vacuous, f.Description+": there was no fault to raise one"
	default:
		f.Verdict = record.Pass
		f.Description += fmt.Sprintf(" ≤ %d", *allowed)
	}
	return alarms, []record.Finding{f}
}

// countAlarms counts from the beginning of the baseline to the end of observation:
// nodes that are starting or being stopped raise no alarms that count.
func countAlarms(run *index.Run, reported []record.Event) (out *record.Alarms, first time.Duration) {
	out = &record.Alarms{False: []string{}}
	windows := excusedWindows(run)
	for _, e := range reported {
		if (e.Kind != record.EventSuspect && e.Kind != record.EventConfirmed) || e.At < run.Baseline.From || e.At > run.End {
			continue
		}
		about := topology.NodeID(e.Fields[record.FieldPeer])
		if _, known := run.Record.Topology.Node(about); !known {
			continue // not a node of this run's: nothing is known of its state
		}
		out.Raised++
		if excused(run.Record.Topology, e, about, windows) {
			continue
		}
		if out.FalseCount == 0 {
			first = e.At
		}
		if out.FalseCount++; len(out.False) < format.MaxEvidence {
			out.False = append(out.False, fmt.Sprintf("%s at %s about %s, which was up and connected (%s)", e.Kind, duration.Format(e.At), about, e.Description))
		}
	}
	return out, first
}

// excusedWindows lists what was taken away and how long that excuses an alarm. A node
// that exited by itself is down for good.
func excusedWindows(run *index.Run) []quorum.ActiveImpact {
	var out []quorum.ActiveImpact
	for _, f := range run.Faults {
		to := f.End()
		if to < record.Forever-run.SLO.Stable {
			to += run.SLO.Stable
		}
		out = append(out, quorum.ActiveImpact{Window: quorum.Window{From: f.Inject.Requested, To: to}, Impact: f.Impact})
	}
	for _, e := range run.Record.Events {
		if e.Source == record.FromEngine && (e.Kind == record.EventCrashed || e.Kind == record.EventOutOfMemory) {
			out = append(out, quorum.ActiveImpact{
				Window: quorum.Window{From: e.At, To: record.Forever},
				Impact: topology.FaultImpact{Down: []topology.NodeID{e.Node}},
			})
		}
	}
	return out
}

// excused reports whether what had been taken away at an alarm gives it a reason.
func excused(t topology.Topology, e record.Event, about topology.NodeID, windows []quorum.ActiveImpact) bool {
	impact := quorum.ImpactAt(windows, e.At)
	if e.Kind == record.EventSuspect {
		return impact.Disconnected(e.Node, about)
	}
	return !t.CanReachQuorum(about, impact)
}
