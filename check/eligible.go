package check

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// forever is the end of what does not end in the run.
const forever = record.Forever

// spell is a stretch of time in which some clients cannot be served by design.
type spell struct {
	from, to time.Duration
	// healed is when the heal that ended it was requested; forever if none was.
	healed time.Duration
}

func (s spell) contains(at time.Duration) bool { return at >= s.from && at < s.to }

// damage answers who can reach a majority when. Beside the wide reading, from
// the request of a fault to the proof of its heal, in which nobody is blamed
// for an outage, stands the narrow one, from proof of fault to request of heal, in which
// an acknowledgement proves two heads.
type damage struct {
	unserved map[topology.Region][]spell // wide
	severed  map[topology.Region][]spell // narrow
	headless []spell                     // narrow: no majority anywhere
}

// active is one fault's damage while it lasts.
type active struct {
	spell
	damage topology.FaultImpact
}

func newDamage(t topology.Topology, faults []record.Fault) damage {
	d := damage{unserved: map[topology.Region][]spell{}, severed: map[topology.Region][]spell{}}
	var wide, narrow []active
	for _, f := range faults {
		if len(f.Impact.Down)+len(f.Impact.CutFlows) == 0 {
			continue
		}
		healed := f.Heal.Requested
		if healed < 0 {
			healed = forever
		}
		wide = append(wide, active{spell{f.Inject.Requested, f.End(), healed}, f.Impact})
		if proved := max(f.Inject.Confirmed, f.Inject.Effective); f.Active.Proved && proved >= 0 && healed > proved {
			narrow = append(narrow, active{spell{proved, healed, healed}, f.Impact})
		}
	}
	for _, r := range t.Regions() {
		cannot := func(d topology.FaultImpact) bool { return !t.HasQuorum(r, d) }
		d.unserved[r] = spells(wide, cannot)
		d.severed[r] = spells(narrow, cannot)
	}
	d.headless = spells(narrow, func(d topology.FaultImpact) bool { return len(t.QuorumMembers(d)) == 0 })
	return d
}

// spells lists the stretches in which the merged damage is bad.
func spells(of []active, bad func(topology.FaultImpact) bool) []spell {
	var edges []time.Duration
	for _, a := range of {
		edges = append(edges, a.from, a.to)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var out []spell
	for i := 0; i+1 < len(edges); i++ {
		from, to := edges[i], edges[i+1]
		var now []topology.FaultImpact
		healed := time.Duration(-1) // of what ends at to
		for _, a := range of {
			if a.from <= from && a.to >= to {
				now = append(now, a.damage)
				if a.to == to {
					healed = max(healed, a.healed)
				}
			}
		}
		if !bad(topology.MergeImpacts(now...)) {
			continue
		}
		if healed < 0 {
			healed = to // another fault's beginning ended it, which no design does
		}
		if n := len(out); n > 0 && out[n-1].to == from {
			out[n-1].to, out[n-1].healed = to, healed
		} else {
			out = append(out, spell{from, to, healed})
		}
	}
	return out
}

// at returns the spell that holds an instant.
func at(spells []spell, t time.Duration) (spell, bool) {
	for _, s := range spells {
		if s.contains(t) {
			return s, true
		}
	}
	return spell{}, false
}

// quorumLoss lists the stretches without any majority, as far as was observed.
func (v *view) quorumLoss() []record.Span {
	var out []record.Span
	for _, s := range v.damage.headless {
		if to := min(s.to, v.end); to > s.from {
			out = append(out, record.Span{From: s.from, To: to})
		}
	}
	return out
}
