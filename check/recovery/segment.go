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
	triggers    []index.Trigger
	fromHeal    bool // it begins where a heal was requested, not a fault
}

// segmentEnd is why a segment ends.
type segmentEnd int

const (
	endOfObservation segmentEnd = iota
	nextEpisode
	quorumLost // the clients could no longer be served, by design, or the cut-off side served them
)

// segments cuts an episode where the series had not to be served. The
// clock starts again when the heal is requested, not when it has worked: what
// the heal itself takes is part of the recovery.
func (s *series) segments(e index.Episode, mayLackQuorum []quorum.Window) []segment {
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
		g.triggers = append(g.triggers, index.Trigger{At: from, Active: activeAt(e, from)})
		for _, t := range e.Triggers {
			if t.At > from && t.At < to {
				g.triggers = append(g.triggers, t)
			}
		}
		out = append(out, g)
	}
	from, fromHeal := e.From, false
	for _, u := range mayLackQuorum {
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
		from, fromHeal = max(from, u.Healed), true
	}
	if e.Last {
		add(from, e.To, fromHeal, endOfObservation)
	} else {
		add(from, e.To, fromHeal, nextEpisode)
	}
	return out
}

// activeAt is from when on the disturbance that was requested at an instant was proved active.
func activeAt(e index.Episode, at time.Duration) time.Duration {
	for _, t := range e.Triggers {
		if t.At == at {
			return t.Active
		}
	}
	return at
}

// lastTrigger is the last disturbance in the segment.
func (g *segment) lastTrigger() time.Duration { return g.triggers[len(g.triggers)-1].At }

// attributeTrigger returns the number of the trigger that an outage is counted from: the last
// disturbance that began before it was certain that its first operation was bad.
// Disturbances that follow each other within the latency limit cannot be told
// apart by what clients see, and count as one that began with the first of them.
func (s *series) attributeTrigger(g segment, bucket int) int {
	began, last := s.began(bucket), 0
	for i, t := range g.triggers {
		if t.At > began {
			break
		}
		last = i
	}
	for last > 0 && g.triggers[last].At-g.triggers[last-1].At < s.slo.Latency {
		last--
	}
	return last
}
