// Package recovery measures outages and recovery: how long clients waited for
// stable service after a fault (RTO), which stages that time went to, and what
// share of their operations was good (availability). Operations count in buckets of
// their intended time; record.SLOParams has the constants of every definition.
package recovery

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// recovery is what became of one series in one episode.
type recovery struct {
	record.RTOSeries
	judged bool // it had to be served at some time
	// unsure says why the record does not show whether the service was stable
	// in the end; it is empty when it does.
	unsure string
	// stable is the offset of the recovery that took longest, and requested that of
	// the trigger that it is counted from.
	stable, requested time.Duration
}

// recover measures one series in one episode.
func (s *series) recover(run *index.Run, e index.Episode) recovery {
	r := recovery{RTOSeries: record.RTOSeries{
		Region: s.Region, Class: s.Class, Episode: e.Number,
		Eligible: true, Recovered: true, FirstAck: 0, SinceHeal: record.NotReached,
	}}
	unserved := run.Quorum.Unserved[s.Region]
	for _, u := range unserved {
		if u.From < e.To && u.To > e.From {
			r.Eligible, r.FromHeal = false, true
		}
	}
	var bad, due int64
	for _, g := range s.segments(e, unserved) {
		if g.end != quorumLost {
			r.judged = true
		}
		s.recoverIn(g, e.Healed, run.Objectives.RTO, &r)
		outages := s.outages(g.first, g.last)
		for _, o := range outages {
			r.LongestOutage = max(r.LongestOutage, o.To-o.From)
		}
		r.Outages = append(r.Outages, outages...)
		b, d := s.brownOut(g.first, g.last, outages)
		bad, due = bad+b, due+d
	}
	if due > 0 {
		r.BrownOut = float64(bad) / float64(due)
	}
	return r
}

// recoverIn finds every disturbance of a segment, from its first bad bucket to
// the first good one that opens a stability window, and keeps the longest
// recovery. There may be several: a fault may break a service that recovers,
// and its heal may break it again.
func (s *series) recoverIn(g segment, healed, objective time.Duration, r *recovery) {
	for k := s.nextBad(g.first, g.last); k >= 0; {
		from := s.attributeTrigger(g, k)
		stable := s.firstStable(k, g.last)
		if stable < 0 {
			s.notRecovered(g, from, k, objective, r)
			return
		}
		at := s.start(stable)
		if d := max(0, at-from); d >= r.RTO && r.Recovered {
			r.RTO, r.stable, r.requested = d, at, from
			s.setFirstAck(r, k)
		}
		if healed >= 0 && at >= healed {
			r.SinceHeal = max(r.SinceHeal, at-healed)
		}
		k = s.nextBad(stable, g.last)
	}
	// No bad bucket is left; but was enough observed to call it stable?
	after := g.lastTrigger()
	switch {
	case g.end == quorumLost:
	case g.to-after < s.slo.Stable:
		r.unsure = fmt.Sprintf("observed for %s after the last fault or heal, which is less than the stability window of %s", duration.Format(g.to-after), duration.Exact(s.slo.Stable))
	case s.bucketAt(after)+s.window() <= len(s.due) && s.firstStable(s.bucketAt(after), max(g.last, s.bucketAt(g.to))) < 0:
		r.unsure = fmt.Sprintf("no window of %s reached %s of the baseline's throughput, though no bucket was bad: the load stalled", duration.Exact(s.slo.Stable), format.Percent(s.slo.MinThroughput))
	}
}

// notRecovered decides a disturbance without a stable recovery.
func (s *series) notRecovered(g segment, from time.Duration, bucket int, objective time.Duration, r *recovery) {
	waited := g.to - from
	switch g.end {
	case quorumLost:
		if waited <= objective {
			return // the quorum was taken away before its time was up
		}
	case endOfObservation:
		outlived := s.firstStable(s.bucketFrom(g.lastTrigger()), bucket) >= 0
		if outlived && s.start(len(s.due)-bucket) < s.slo.Stable {
			r.unsure = fmt.Sprintf("stable, but bad again %s before observation ended: too late to tell", duration.Format(g.to-s.start(bucket)))
			return
		}
	}
	if r.Recovered || waited > r.RTO {
		r.RTO, r.requested, r.stable = waited, from, record.NotReached
		s.setFirstAck(r, bucket)
	}
	r.Recovered = false
}

// setFirstAck notes when, counted from the trigger, the first operation was acknowledged
// that was called after both the trigger and the first bad bucket.
func (s *series) setFirstAck(r *recovery, firstBad int) {
	r.FirstAck = record.NotReached
	if ack, ok := s.firstAck(max(r.requested, s.start(firstBad))); ok {
		r.FirstAck = ack - r.requested
	}
}

// worse orders recoveries: one that did not happen is worse than any that did.
func (r *recovery) worse(than *recovery) bool {
	if r.Recovered != than.Recovered {
		return !r.Recovered
	}
	return r.RTO > than.RTO
}

func (r *recovery) name() string {
	s := fmt.Sprintf("%s %ss", r.Region, r.Class)
	if r.Episode > 1 {
		s += fmt.Sprintf(" in episode %d", r.Episode)
	}
	return s
}
