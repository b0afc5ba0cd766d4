// Package quorum computes from a run's faults when which clients could not
// reach a quorum.
package quorum

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Window is a stretch of time without a quorum for some clients.
type Window struct {
	From, To time.Duration // To is exclusive; record.Forever when nothing ended it
	// Healed is when the heal that ended it was requested; record.Forever if none was.
	Healed time.Duration
}

// Contains reports whether an instant lies in the window.
func (w Window) Contains(at time.Duration) bool { return at >= w.From && at < w.To }

// At returns the window that holds an instant.
func At(windows []Window, at time.Duration) (Window, bool) {
	for _, w := range windows {
		if w.Contains(at) {
			return w, true
		}
	}
	return Window{}, false
}

// Windows answers which clients had no quorum when, in two readings. The wide one,
// from the request of a fault to the end of it, excuses: nobody is blamed for an outage in it. The
// narrow one, from the proof of a fault to the request of its heal, accuses: an acknowledgement
// in it proves a split brain.
type Windows struct {
	Unserved map[topology.Region][]Window // wide
	Severed  map[topology.Region][]Window // narrow
	Isolated map[topology.NodeID][]Window // narrow: nodes that are up and have no path to a quorum
	None     []Window                     // narrow: no quorum anywhere
}

// Answered returns the window in which an operation, sent by the clients of a region, was called and answered by
// the side that had no quorum: its clients could reach none, or the node that answered could not.
func (w Windows) Answered(clients topology.Region, node topology.NodeID, called, answered time.Duration) (Window, bool) {
	for _, windows := range [][]Window{w.Severed[clients], w.Isolated[node]} {
		if in, ok := At(windows, called); ok && answered < in.To {
			return in, true
		}
	}
	return Window{}, false
}

// Of computes the windows of the faults, which must have been requested.
func Of(t topology.Topology, faults []record.Fault) Windows {
	out := Windows{Unserved: map[topology.Region][]Window{}, Severed: map[topology.Region][]Window{}, Isolated: map[topology.NodeID][]Window{}}
	var wide, narrow []ActiveImpact
	for _, f := range faults {
		if len(f.Impact.Down)+len(f.Impact.CutFlows) == 0 {
			continue
		}
		healed := f.Heal.Requested
		if healed < 0 {
			healed = record.Forever
		}
		wide = append(wide, ActiveImpact{Window{f.Inject.Requested, f.End(), healed}, f.Impact})
		if proved := max(f.Inject.Confirmed, f.Inject.Effective); f.Active.Proved && proved >= 0 && healed > proved {
			narrow = append(narrow, ActiveImpact{Window{proved, healed, healed}, f.Impact})
		}
	}
	for _, region := range t.Regions() {
		without := func(i topology.FaultImpact) bool { return !t.HasQuorum(region, i) }
		out.Unserved[region] = windowsWhere(wide, without)
		out.Severed[region] = windowsWhere(narrow, without)
	}
	for _, n := range t.Nodes {
		out.Isolated[n.ID] = windowsWhere(narrow, func(i topology.FaultImpact) bool { return t.CutOffFromQuorum(n.ID, i) })
	}
	out.None = windowsWhere(narrow, func(i topology.FaultImpact) bool { return len(t.QuorumMembers(i)) == 0 })
	return out
}

// ActiveImpact is what one fault takes away while it lasts.
type ActiveImpact struct {
	Window
	Impact topology.FaultImpact
}

// ImpactAt merges the impacts that are active at an instant.
func ImpactAt(all []ActiveImpact, at time.Duration) topology.FaultImpact {
	var now []topology.FaultImpact
	for _, a := range all {
		if a.Contains(at) {
			now = append(now, a.Impact)
		}
	}
	return topology.MergeImpacts(now...)
}

// windowsWhere lists the stretches in which the merged impact is bad.
func windowsWhere(all []ActiveImpact, bad func(topology.FaultImpact) bool) []Window {
	var edges []time.Duration
	for _, a := range all {
		edges = append(edges, a.From, a.To)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var out []Window
	for i := 0; i+1 < len(edges); i++ {
		from, to := edges[i], edges[i+1]
		var now []topology.FaultImpact
		healed := time.Duration(-1) // of what ends at to
		for _, a := range all {
			if a.From <= from && a.To >= to {
				now = append(now, a.Impact)
				if a.To == to {
					healed = max(healed, a.Healed)
				}
			}
		}
		if !bad(topology.MergeImpacts(now...)) {
			continue
		}
		if healed < 0 {
			healed = to // another fault's beginning ended it, as no design can
		}
		if n := len(out); n > 0 && out[n-1].To == from {
			out[n-1].To, out[n-1].Healed = to, healed
		} else {
			out = append(out, Window{from, to, healed})
		}
	}
	return out
}

// Spans lists the windows as far as was observed.
func Spans(windows []Window, end time.Duration) []record.Span {
	var out []record.Span
	for _, w := range windows {
		if to := min(w.To, end); to > w.From {
			out = append(out, record.Span{From: w.From, To: to})
		}
	}
	return out
}
