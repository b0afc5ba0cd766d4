package index

import (
	"cmp"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// Episode is one repetition of the scenario's faults, from its first request to
// the next episode's, or to the end of observation.
type Episode struct {
	Number   int
	From, To time.Duration
	Last     bool
	// Triggers are its disturbances, in order. Any of them may start an outage, and with it a clock.
	Triggers []Trigger
	Healed   time.Duration // the last request of a heal; record.NotReached if there was none
}

// Trigger is an instant at which a fault may have begun to disturb the service.
type Trigger struct {
	At time.Duration
	// Active is from when on the disturbance was proved to be there; At where there is no proof.
	Active time.Duration
}

// triggers are the disturbances of a fault: the request of its injection, the instant from which on it was
// proved active, which may be much later, and the request of its heal.
func triggers(f *record.Fault) []Trigger {
	active := max(f.Inject.Requested, f.Inject.Effective)
	out := []Trigger{{f.Inject.Requested, active}}
	if active > f.Inject.Requested {
		out = append(out, Trigger{active, active})
	}
	if f.Heal.Requested >= 0 {
		out = append(out, Trigger{f.Heal.Requested, f.Heal.Requested})
	}
	return out
}

// Episodes lists them in order. A run without faults is one episode that
// begins where its faults would have, so that it can be compared with its twin.
func (x *Run) Episodes() []Episode {
	var out []Episode
	for n := range x.Faults {
		f := &x.Faults[n]
		i := slices.IndexFunc(out, func(e Episode) bool { return e.Number == f.Episode })
		if i < 0 {
			i = len(out)
			out = append(out, Episode{Number: f.Episode, From: f.Inject.Requested, Healed: record.NotReached})
		}
		e := &out[i]
		e.Triggers = append(e.Triggers, triggers(f)...)
		e.Healed = max(e.Healed, f.Heal.Requested)
	}
	if len(out) == 0 {
		out = []Episode{{From: x.Start, Triggers: []Trigger{{x.Start, x.Start}}, Healed: record.NotReached}}
	}
	for i := range out {
		slices.SortFunc(out[i].Triggers, func(a, b Trigger) int { return cmp.Compare(a.At, b.At) })
		out[i].To, out[i].Last = x.End, i == len(out)-1
		if !out[i].Last {
			out[i].To = out[i+1].From
		}
	}
	return out
}
