package recovery

import (
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/record"
)

// Stable reports whether every series that must be served has been good for a
// whole stability window since the last fault or heal was requested, so that
// observation may end: RTO, called with what was recorded up to now, would
// find each stable. Of r it reads Topology, Phases, Faults and Ops. It costs a
// pass over the operations; call it a few times a second at most.
func Stable(r *record.Run, slo record.SLOParams, now time.Duration) bool {
	live := *r
	live.Phases = nil
	for _, p := range r.Phases {
		if p.To < 0 {
			p.To = now
		}
		live.Phases = append(live.Phases, p)
	}
	run, err := index.New(&live, slo)
	if err != nil || now < 0 {
		return false
	}
	run.End = min(run.End, now)
	episodes := run.Episodes()
	e := episodes[len(episodes)-1]
	all := newSeries(run, strict)
	if len(all) == 0 {
		return false
	}
	since := e.Triggers[len(e.Triggers)-1].At
	for _, s := range all {
		if _, lost := quorum.At(s.withoutQuorum(run), run.End); lost {
			continue // it cannot be served, by design, or the cut-off side serves it
		}
		s.cutIncomplete(now)
		if s.firstStable(s.bucketFrom(since), len(s.due)) < 0 {
			return false
		}
		// Stable, and still so.
		if k := s.nextBad(int(s.stable[s.bucketFrom(since)]), len(s.due)); k >= 0 && s.firstStable(k, len(s.due)) < 0 {
			return false
		}
	}
	return true
}

// cutIncomplete ends the series before the first of the latest buckets that
// lacks operations by the baseline's rate: they are due and not answered yet,
// which is neither good nor, before the latency limit, bad.
func (s *series) cutIncomplete(now time.Duration) {
	for i := max(0, s.bucketAt(max(0, now-s.slo.Latency))); i < len(s.due); i++ {
		if s.due[i]+s.cutOff[i] < int32(s.expected) {
			s.due, s.good, s.cutOff = s.due[:i], s.good[:i], s.cutOff[:i]
			s.sumUp()
			return
		}
	}
}
