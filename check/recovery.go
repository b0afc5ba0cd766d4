package check

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// recovery is what became of one series in one episode.
type recovery struct {
	record.RTOSeries
	judged bool // it had to be served at some time
	// unsure says why the record cannot tell whether the service was stable
	// in the end; empty when it can.
	unsure string
	// stable is the offset of the recovery that took longest, requested that of
	// the trigger it is counted from, disturbed that of its first bad bucket.
	stable, requested, disturbed time.Duration
}

// recover measures one series in one episode.
func (s *series) recover(v *view, e episode) recovery {
	r := recovery{RTOSeries: record.RTOSeries{
		Region: s.region, Class: s.class, Episode: e.number,
		Eligible: true, Recovered: true, FirstAck: 0, SinceHeal: record.NotReached,
	}}
	unserved := v.damage.unserved[s.region]
	for _, u := range unserved {
		if u.from < e.to && u.to > e.from {
			r.Eligible, r.FromHeal = false, true
		}
	}
	var bad, due int64
	for _, st := range s.stretches(e, unserved) {
		if st.end != atUnserved {
			r.judged = true
		}
		s.recoverIn(v, e, st, &r)
		outages := s.outages(st.first, st.last)
		for _, o := range outages {
			r.LongestOutage = max(r.LongestOutage, o.To-o.From)
		}
		r.Outages = append(r.Outages, outages...)
		b, d := s.tally(st.first, st.last, outages)
		bad, due = bad+b, due+d
	}
	if due > 0 {
		r.BrownOut = float64(bad) / float64(due)
	}
	return r
}

// recoverIn finds every disturbance of a stretch, from its first bad bucket to
// the first good one that opens a stability window, and keeps the longest
// recovery. There may be several: a fault may break a service that recovers,
// and its heal may break it again.
func (s *series) recoverIn(v *view, e episode, st stretch, r *recovery) {
	for k := s.nextBad(st.first, st.last); k >= 0; {
		from := s.charge(st, k)
		stable := s.opens(k, st.last)
		if stable < 0 {
			s.unrecovered(v, st, from, k, r)
			return
		}
		at := s.start(stable)
		if d := max(0, at-from); d >= r.RTO && r.Recovered {
			r.RTO, r.stable, r.requested, r.disturbed = d, at, from, s.start(k)
			r.FirstAck = record.NotReached
			if ack, ok := s.firstAck(max(from, s.start(k))); ok {
				r.FirstAck = ack - from
			}
		}
		if e.healed >= 0 && at >= e.healed {
			r.SinceHeal = max(r.SinceHeal, at-e.healed)
		}
		k = s.nextBad(stable, st.last)
	}
	// No bad bucket is left; but was enough seen to call it stable?
	after := st.triggers[len(st.triggers)-1]
	switch {
	case st.end == atUnserved:
	case st.to-after < s.def.Stable:
		r.unsure = fmt.Sprintf("observed for %s after the last fault or heal, which is less than the stability window of %s", seconds(st.to-after), exactly(s.def.Stable))
	case s.floor(after)+s.window() <= len(s.due) && s.opens(s.floor(after), max(st.last, s.floor(st.to))) < 0:
		r.unsure = fmt.Sprintf("no window of %s reached %s of the baseline's throughput, though no bucket was bad: the load stalled", exactly(s.def.Stable), percent(s.def.MinThroughput))
	}
}

// charge is the trigger that a disturbance is counted from: the earliest that
// the service had not yet outlived by a stability window, else the latest. An
// operation under way when a fault strikes was due before it, so buckets turn bad up to
// the latency limit before their trigger.
func (s *series) charge(st stretch, bucket int) time.Duration {
	latest := st.triggers[0]
	for _, t := range st.triggers {
		if t > s.start(bucket)+s.def.Latency {
			break
		}
		if s.opens(s.ceil(t), bucket) < 0 {
			return t
		}
		latest = t
	}
	return latest
}

// unrecovered decides a disturbance without a stable recovery.
func (s *series) unrecovered(v *view, st stretch, from time.Duration, bucket int, r *recovery) {
	waited := st.to - from
	switch st.end {
	case atUnserved:
		if waited <= v.obj.RTO {
			return // the design took the service away before its time was up
		}
	case atHorizon:
		after := st.triggers[len(st.triggers)-1]
		if outlived := s.opens(s.ceil(after), bucket) >= 0; outlived && s.start(len(s.due)-bucket) < s.def.Stable {
			r.unsure = fmt.Sprintf("stable, but bad again %s before observation ended: too late to tell", seconds(st.to-s.start(bucket)))
			return
		}
	}
	if r.Recovered || waited > r.RTO {
		r.RTO, r.requested, r.disturbed, r.stable = waited, from, s.start(bucket), record.NotReached
		r.FirstAck = record.NotReached
		if ack, ok := s.firstAck(max(from, s.start(bucket))); ok {
			r.FirstAck = ack - from
		}
	}
	r.Recovered = false
}
