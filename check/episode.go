package check

import (
	"slices"
	"time"
)

// episode is one go of the scenario's faults, from its first request to the
// next episode's, or to the end of observation.
type episode struct {
	number   int
	from, to time.Duration
	last     bool
	// triggers are the requests of its faults and heals, in order. Any of them
	// may start an outage, and a clock.
	triggers []time.Duration
	healed   time.Duration // the last request of a heal; Never if there was none
}

// episodes lists them in order. A run without faults is one episode that
// begins where its faults would have, so that its twin can be compared with it.
func (v *view) episodes() []episode {
	var out []episode
	for _, f := range v.faults {
		i := slices.IndexFunc(out, func(e episode) bool { return e.number == f.Episode })
		if i < 0 {
			i = len(out)
			out = append(out, episode{number: f.Episode, from: f.Inject.Requested, healed: -1})
		}
		e := &out[i]
		e.triggers = append(e.triggers, f.Inject.Requested)
		if f.Heal.Requested >= 0 {
			e.triggers = append(e.triggers, f.Heal.Requested)
			e.healed = max(e.healed, f.Heal.Requested)
		}
	}
	if len(out) == 0 {
		out = []episode{{from: v.start, triggers: []time.Duration{v.start}, healed: -1}}
	}
	for i := range out {
		slices.Sort(out[i].triggers)
		out[i].to, out[i].last = v.end, i == len(out)-1
		if !out[i].last {
			out[i].to = out[i+1].from
		}
	}
	return out
}

// stretch is a piece of an episode in which one series must be served, with
// the triggers that may have disturbed it. Buckets are [first, last).
type stretch struct {
	first, last int
	to          time.Duration
	end         ending
	triggers    []time.Duration
	fromHeal    bool // it begins where a heal was requested, not a fault
}

// ending is why a stretch ends.
type ending int

const (
	atHorizon  ending = iota // observation ended
	atNext                   // the next episode began
	atUnserved               // the clients could no longer be served, by design
)

// stretches cuts an episode where the series' clients cannot be served. The
// clock starts again when the heal is requested, not when it has worked: what
// the heal itself takes is part of the recovery.
func (s *series) stretches(e episode, unserved []spell) []stretch {
	var out []stretch
	add := func(from, to time.Duration, fromHeal bool, end ending) {
		if to <= from {
			return
		}
		st := stretch{first: s.floor(from), last: s.floor(to), to: to, end: end, fromHeal: fromHeal}
		if end == atHorizon {
			st.last = len(s.due)
		} else {
			// What was under way when the end came may have died of it.
			st.last = s.floor(max(0, to-s.def.Latency))
		}
		st.triggers = append(st.triggers, from)
		for _, t := range e.triggers {
			if t > from && t < to {
				st.triggers = append(st.triggers, t)
			}
		}
		out = append(out, st)
	}
	from, fromHeal := e.from, false
	for _, u := range unserved {
		if u.to <= from {
			continue
		}
		if u.from >= e.to {
			break
		}
		add(from, u.from, fromHeal, atUnserved)
		if u.healed >= e.to {
			return out
		}
		from, fromHeal = u.healed, true
	}
	if e.last {
		add(from, e.to, fromHeal, atHorizon)
	} else {
		add(from, e.to, fromHeal, atNext)
	}
	return out
}
