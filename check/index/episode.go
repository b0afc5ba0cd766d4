package index

import (
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
	// Triggers are the requests of its faults and heals, in order. Any of them
	// may start an outage, and with it a clock.
	Triggers []time.Duration
	Healed   time.Duration // the last request of a heal; record.NotReached if there was none
}

// Episodes lists them in order. A run without faults is one episode that
// begins where its faults would have, so that it can be compared with its twin.
func (x *Run) Episodes() []Episode {
	var out []Episode
	for _, f := range x.Faults {
		i := slices.IndexFunc(out, func(e Episode) bool { return e.Number == f.Episode })
		if i < 0 {
			i = len(out)
			out = append(out, Episode{Number: f.Episode, From: f.Inject.Requested, Healed: record.NotReached})
		}
		e := &out[i]
		e.Triggers = append(e.Triggers, f.Inject.Requested)
		if f.Heal.Requested >= 0 {
			e.Triggers = append(e.Triggers, f.Heal.Requested)
			e.Healed = max(e.Healed, f.Heal.Requested)
		}
	}
	if len(out) == 0 {
		out = []Episode{{From: x.Start, Triggers: []time.Duration{x.Start}, Healed: record.NotReached}}
	}
	for i := range out {
		slices.Sort(out[i].Triggers)
		out[i].To, out[i].Last = x.End, i == len(out)-1
		if !out[i].Last {
			out[i].To = out[i+1].From
		}
	}
	return out
}
