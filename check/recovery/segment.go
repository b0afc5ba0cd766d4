package recovery

import (
	"time"

	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/quorum"
)

// segment is a piece of an episode in which one series must be served, with
// the triggers that may have disturbed it. Buckets are [first, last).
type segment struct {
	first, last int
	to          time.Duration
	end         segmentEnd
	triggers    []time.Duration
	fromHeal    bool // it begins where a heal was requested, not a fault
}

// segmentEnd is why a segment ends.
type segmentEnd int

const (
	endOfObservation segmentEnd = iota
	nextEpisode
	quorumLost // the clients could no longer be served, by design
)

// segments cuts an episode where the series' clients have no quorum. The
// clock starts again when the heal is requested, not when it has worked: what
// the heal itself takes is part of the recovery.
func (s *series) segments(e index.Episode, unserved []quorum.Window) []segment {
	var out []segment
	add := func(from, to time.Duration, fromHeal bool, end segmentEnd) {
		if to <= from {
			return
		}
		g := segment{first: s.bucketAt(from), last: s.bucketAt(to), to: to, end: end, fromHeal: fromHeal}
		if end == endOfObservation {
			g.last = len(s.due)
		} else {
			// What was under way when the end came may have died of it.
			g.last = s.bucketAt(max(0, to-s.slo.Latency))
		}
		g.triggers = append(g.triggers, from)
		for _, t := range e.Triggers {
			if t > from && t < to {
				g.triggers = append(g.triggers, t)
			}
		}
		out = append(out, g)
	}
	from, fromHeal := e.From, false
	for _, u := range unserved {
		if u.To <= from {
			continue
		}
		if u.From >= e.To {
			break
		}
		add(from, u.From, fromHeal, quorumLost)
		if u.Healed >= e.To {
			return out
		}
		from, fromHeal = u.Healed, true
	}
	if e.Last {
		add(from, e.To, fromHeal, endOfObservation)
	} else {
		add(from, e.To, fromHeal, nextEpisode)
	}
	return out
}

// lastTrigger is the last request of a fault or a heal in the segment.
func (g *segment) lastTrigger() time.Duration { return g.triggers[len(g.triggers)-1] }

// attributeTrigger returns the trigger that an outage is counted from: the earliest that
// the service had not yet outlived by a stability window, else the latest. An
// operation under way when a fault strikes was due before it, so buckets turn bad up to
// the latency limit before their trigger.
func (s *series) attributeTrigger(g segment, bucket int) time.Duration {
	latest := g.triggers[0]
	for _, t := range g.triggers {
		if t > s.start(bucket)+s.slo.Latency {
			break
		}
		if s.firstStable(s.bucketFrom(t), bucket) < 0 {
			return t
		}
		latest = t
	}
	return latest
}
