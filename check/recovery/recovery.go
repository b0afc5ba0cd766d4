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
	// in the end; it is empty when it does. Who is to blame for that is cause.
	unsure string
	cause  record.Cause
	// stable is the offset of the recovery that took longest, and requested that of
	// the trigger that it is counted from.
	stable, requested time.Duration
}

// recover measures one series in one episode.
func (s *series) recover(run *index.Run, e index.Episode) recovery {
	r := recovery{RTOSeries: record.RTOSeries{
		Region: s.Region, Class: s.Class, Episode: e.Number,
		Eligible: true, Recovered: true, FirstAck: 0, SinceHeal: record.NotReached, Resolution: s.resolution(),
	}}
	noQuorum := s.withoutQuorum(run)
	for _, u := range noQuorum {
		r.FromHeal = r.FromHeal || u.From < e.To && u.To > e.From
	}
	for _, u := range run.Quorum.RegionMayLackQuorum[s.Region] {
		if u.From < e.To && u.To > e.From {
			r.Eligible = false
		}
	}
	r.CutOff = s.cutOffBetween(e.From, e.To)
	var bad, due int64
	for _, g := range s.segments(e, noQuorum) {
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
		trigger := g.triggers[s.attributeTrigger(g, k)]
		stable := s.recovered(g, k)
		if stable < 0 {
			s.notRecovered(g, trigger, k, objective, r)
			return
		}
		at := s.opening[stable].ret
		if d := max(0, at-trigger.At); d >= r.RTO && r.Recovered {
			r.RTO, r.stable, r.requested = d, at, trigger.At
			r.BadService = max(0, s.start(stable)-trigger.At)
			s.setFirstAck(r, trigger, k)
		}
		r.Ops += s.dueIn(s.bucketAt(trigger.At), stable+s.window())
		if healed >= 0 && at >= healed {
			r.SinceHeal = max(r.SinceHeal, at-healed)
		}
		k = s.nextBad(stable, g.last)
	}
	if r.Ops == 0 {
		r.Ops = s.dueIn(g.first, len(s.due))
	}
	// No bad bucket is left; but was enough observed to call it stable?
	after := g.lastTrigger()
	switch {
	case g.end == quorumLost:
	case g.to-after < s.slo.Stable:
		r.unsure = fmt.Sprintf("observed for %s after the last fault or heal, which is less than the stability window of %s", duration.Format(g.to-after), duration.Exact(s.slo.Stable))
		r.cause = record.CauseScenario
	case s.bucketAt(after)+s.window() <= len(s.due) && s.firstStable(s.bucketAt(after), max(g.last, s.bucketAt(g.to))) < 0:
		r.unsure = fmt.Sprintf("no window of %s reached %s of the baseline's throughput, though no bucket was bad: the load stalled", duration.Exact(s.slo.Stable), format.Percent(s.slo.MinThroughput))
		r.cause = record.CauseHarness
	}
}

// recovered is the first bucket of stable service after a bad one, or -1. Service is stable that
// is good for a stability window, or up to the outage of a later disturbance, which is none of its own.
func (s *series) recovered(g segment, bad int) int {
	trigger := s.attributeTrigger(g, bad)
	for k := bad; k >= 0; {
		i := s.nextGood(k, g.last)
		if i < 0 {
			return -1
		}
		k = s.nextBad(i, g.last)
		switch {
		case k < 0 || k-i >= s.window():
			return s.firstStable(i, g.last)
		case time.Duration(k-i)*s.slo.Bucket >= s.slo.Merge && s.attributeTrigger(g, k) > trigger && s.reaches(i, k):
			return i
		}
	}
	return -1
}

// nextGood is the first bucket in [from, to) that is not bad and in which an operation was answered, or -1.
func (s *series) nextGood(from, to int) int {
	for i := max(from, 0); i < min(to, len(s.due)); i++ {
		if s.bad[i+1] == s.bad[i] && s.good[i] > 0 {
			return i
		}
	}
	return -1
}

// reaches reports whether the throughput in [from, to) is as good as a stability window's must be.
func (s *series) reaches(from, to int) bool {
	return float64(s.sum[to]-s.sum[from]) >= s.slo.MinThroughput*s.throughput*float64(to-from)
}

// notRecovered decides a disturbance without a stable recovery.
func (s *series) notRecovered(g segment, trigger index.Trigger, bucket int, objective time.Duration, r *recovery) {
	waited := g.to - trigger.At
	switch g.end {
	case quorumLost:
		if waited <= objective {
			return // the quorum was taken away before its time was up
		}
	case nextEpisode:
		if waited <= objective {
			r.unsure = fmt.Sprintf("not recovered in %s, when the next episode began: leave more time between episodes", duration.Format(waited))
			r.cause = record.CauseScenario
			return
		}
	case endOfObservation:
		outlived := s.firstStable(s.bucketFrom(g.lastTrigger()), bucket) >= 0
		if outlived && s.start(len(s.due)-bucket) < s.slo.Stable {
			r.unsure = fmt.Sprintf("stable, but bad again %s before observation ended: too late to tell", duration.Format(g.to-s.start(bucket)))
			r.cause = record.CauseScenario
			return
		}
	}
	if r.Recovered || waited > r.RTO {
		r.RTO, r.BadService, r.requested, r.stable = waited, waited, trigger.At, record.NotReached
		r.Ops = s.dueIn(s.bucketAt(trigger.At), len(s.due))
		s.setFirstAck(r, trigger, bucket)
	}
	r.Recovered = false
}

// setFirstAck notes when, counted from the trigger, the first operation was answered
// that was called after the disturbance was active and after the first bad bucket had begun: what a
// dying primary still answers is no sign of recovery.
func (s *series) setFirstAck(r *recovery, trigger index.Trigger, firstBad int) {
	r.FirstAck = record.NotReached
	if ack, ok := s.firstAck(max(trigger.Active, s.start(firstBad))); ok {
		r.FirstAck = ack - trigger.At
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
