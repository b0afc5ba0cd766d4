// Package quorum computes from a run's faults when which clients could not
// reach a quorum. It judges nothing: the checks decide what an operation in such a window means.
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

// Windows lists when which clients and nodes had no quorum. A wide window begins when a fault is
// requested and ends when it is over: it excuses, so nothing that fails in it is charged to the
// system. A narrow window begins when a fault is proved active and ends when its heal is
// requested: it accuses, because an acknowledgement in it proves a split brain.
type Windows struct {
	RegionMayLackQuorum map[topology.Region][]Window // wide: the region's clients may have had no path to a quorum
	RegionNoQuorum      map[topology.Region][]Window // narrow: the region's clients had none
	Isolated            map[topology.NodeID][]Window // narrow: nodes that are up and have no path to a quorum
	NoQuorum            []Window                     // narrow: no quorum anywhere
}

// Answered returns the window in which an operation was called and answered although the
// clients of its region, or the node that answered it, could reach no quorum.
func (w Windows) Answered(clients topology.Region, node topology.NodeID, called, answered time.Duration) (Window, bool) {
	for _, windows := range [][]Window{w.RegionNoQuorum[clients], w.Isolated[node]} {
		if in, ok := At(windows, called); ok && answered < in.To {
			return in, true
		}
	}
	return Window{}, false
}

// Of computes the windows of the faults, which must have been requested.
func Of(t topology.Topology, faults []record.Fault) Windows {
	out := Windows{
		RegionMayLackQuorum: map[topology.Region][]Window{},
		RegionNoQuorum:      map[topology.Region][]Window{},
		Isolated:            map[topology.NodeID][]Window{},
	}
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
		out.RegionMayLackQuorum[region] = windowsWhere(wide, without)
		out.RegionNoQuorum[region] = windowsWhere(narrow, without)
	}
	for _, n := range t.Nodes {
		out.Isolated[n.ID] = windowsWhere(narrow, func(i topology.FaultImpact) bool { return t.CutOffFromQuorum(n.ID, i) })
	}
	out.NoQuorum = windowsWhere(narrow, func(i topology.FaultImpact) bool { return len(t.QuorumMembers(i)) == 0 })
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

// windowsWhere lists the windows in which bad holds for the merged impact of all active faults.
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
			healed = to // no heal ended it: the beginning of another fault did
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
