package reports

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// headless is how long the faults left no majority anywhere: from the proof of
// a fault to the request of its heal, the damage of those under way together.
func headless(r *record.Run) time.Duration {
	type active struct {
		from, to time.Duration
		damage   topology.FaultImpact
	}
	var all []active
	var edges []time.Duration
	for _, f := range r.Faults {
		from, to := max(f.Inject.Confirmed, f.Inject.Effective), f.Heal.Requested
		if !f.Active.Proved || from < 0 || to <= from {
			continue
		}
		all = append(all, active{from, to, f.Impact})
		edges = append(edges, from, to)
	}
	slices.Sort(edges)
	var total time.Duration
	for i := 1; i < len(edges); i++ {
		var now []topology.FaultImpact
		for _, a := range all {
			if a.from <= edges[i-1] && a.to >= edges[i] {
				now = append(now, a.damage)
			}
		}
		if len(now) > 0 && len(r.Topology.QuorumMembers(topology.MergeImpacts(now...))) == 0 {
			total += edges[i] - edges[i-1]
		}
	}
	return total
}

// noneServed says that in every series clients could not be served by design
// for a time, so that recovery counts from the heal.
func noneServed(o *record.RTO) bool {
	return len(o.Series) > 0 && !slices.ContainsFunc(o.Series, func(s record.RTOSeries) bool { return !s.FromHeal })
}
