package check

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// judgeAlarms counts alarms and those that were false: about a node that the
// run's own faults had left up and connected. A suspicion is excused while its
// teller and the suspect cannot talk, a confirmation while the node can reach nobody
// who could lead. Either is excused for one stability window after the heal
// too, for an alarm about what was true may come late, and a node takes a moment to
// be back. Slowness excuses nothing: telling it from loss is what a detector is for.
func judgeAlarms(_ context.Context, v *view, j *record.Result) []record.Finding {
	told := v.told()
	if len(told) > 0 {
		j.Alarms = v.alarms(told)
	}
	if v.obj.FalseAlarms == nil {
		return nil
	}
	f := record.Finding{Check: "false alarms"}
	if j.Alarms == nil {
		f.Verdict, f.Description = record.Unknown, "the system tells nothing of itself"
		return []record.Finding{f}
	}
	f.Evidence = j.Alarms.False
	f.Description = fmt.Sprintf("%s, %d false", count(j.Alarms.Raised, "alarm"), j.Alarms.FalseCount)
	switch {
	case j.Alarms.FalseCount > *v.obj.FalseAlarms:
		f.Verdict = record.Fail
		f.Description += fmt.Sprintf(" > %d, first: %s", *v.obj.FalseAlarms, j.Alarms.False[0])
	case len(v.faults) == 0:
		f.Verdict, f.Description = record.Vacuous, f.Description+": there was no fault to raise one"
	default:
		f.Verdict = record.Pass
		f.Description += fmt.Sprintf(" ≤ %d", *v.obj.FalseAlarms)
	}
	return []record.Finding{f}
}

// alarms counts from the beginning of the baseline to the end of observation:
// nodes that are starting or being stopped are no business of a detector's.
func (v *view) alarms(told []record.Event) *record.Alarms {
	out := &record.Alarms{False: []string{}}
	hurt := v.hurt()
	for _, e := range told {
		if (e.Kind != record.EventSuspect && e.Kind != record.EventConfirmed) || e.At < v.baseline.From || e.At > v.end {
			continue
		}
		about := topology.NodeID(e.Fields[record.FieldPeer])
		if _, known := v.run.Topology.Node(about); !known {
			continue // not a node of this run's: nothing is known of its state
		}
		out.Raised++
		if v.excused(e, about, hurt) {
			continue
		}
		if out.FalseCount++; len(out.False) < kept {
			out.False = append(out.False, fmt.Sprintf("%s at %s about %s, which was up and connected (%s)", e.Kind, seconds(e.At), about, e.Description))
		}
	}
	return out
}

// hurt lists what was taken away and how long that excuses an alarm. A node
// that exited by itself is down for good.
func (v *view) hurt() []active {
	var out []active
	for _, f := range v.faults {
		to := f.End()
		if to < forever-v.def.Stable {
			to += v.def.Stable
		}
		out = append(out, active{spell{from: f.Inject.Requested, to: to}, f.Impact})
	}
	for _, e := range v.run.Events {
		if e.Source == record.FromEngine && (e.Kind == record.EventCrashed || e.Kind == record.EventOutOfMemory) {
			out = append(out, active{spell{from: e.At, to: forever}, topology.FaultImpact{Down: []topology.NodeID{e.Node}}})
		}
	}
	return out
}

// excused says whether what had been taken away at an alarm gives it reason.
func (v *view) excused(e record.Event, about topology.NodeID, hurt []active) bool {
	d := during(hurt, e.At)
	if e.Kind == record.EventSuspect {
		return d.Disconnected(e.Node, about)
	}
	return !v.run.Topology.CanReachQuorum(about, d)
}

// during merges the damage that an instant lies in.
func during(all []active, t time.Duration) topology.FaultImpact {
	var now []topology.FaultImpact
	for _, a := range all {
		if a.contains(t) {
			now = append(now, a.damage)
		}
	}
	return topology.MergeImpacts(now...)
}
