package reports

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/harness/record"
)

// leaderTimes are the instants in the chart at which the platform says it elected a leader.
func leaderTimes(r *record.Run, f frame) []float64 {
	var out []float64
	for _, e := range r.Events {
		if e.Source == record.FromPlatform && e.Kind == "elected" && e.At >= f.From && e.At <= f.To && len(out) < mostLeaders {
			out = append(out, e.At.Seconds())
		}
	}
	return out
}

// addLeaders marks each election, and who led before the chart begins.
func (t *timeline) addLeaders(r *record.Run, f frame, x func(time.Duration) int, y int) int {
	t.LeadersY = y
	last := 0
	if e := leaderBefore(r, f); e != nil {
		words := fits(leaderWords(*e), 150)
		t.Leaders = append(t.Leaders, mark{X: plotLeft + 6, Y: y, TextX: plotLeft + 14, Text: words, Title: fmt.Sprintf("leader before the load, elected at %s: %s", at(e.At), leaderWords(*e)), Class: "before"})
		last = plotLeft + 14 + textWidth(words)
	}
	for _, e := range r.Events {
		if e.Source != record.FromPlatform || e.Kind != "elected" || e.At < f.From || e.At > f.To || len(t.Leaders) >= mostLeaders {
			continue
		}
		m := mark{X: x(e.At), Y: y}
		words := leaderWords(e)
		m.Title = fmt.Sprintf("elected %s at %s: %s", words, at(e.At), clean(e.Says))
		m.TextX, m.Text = m.X+6, fits(words, 150)
		if w := textWidth(m.Text); m.TextX+w > plotWidth {
			m.TextX, m.TextEnds = m.X-6, true
		} else if m.X < last {
			m.Text = "" // no room; the title still says it
		} else {
			last = m.TextX + w
		}
		t.Leaders = append(t.Leaders, m)
	}
	if len(t.Leaders) > 0 {
		y += 18
	}
	return y
}

// leaderBefore is the last election before the chart begins.
func leaderBefore(r *record.Run, f frame) *record.Event {
	var last *record.Event
	for i := range r.Events {
		if e := &r.Events[i]; e.Source == record.FromPlatform && e.Kind == "elected" && e.At < f.From {
			last = e
		}
	}
	return last
}

func leaderWords(e record.Event) string {
	words := clean(string(e.Node))
	if term := e.Fields["term"]; term != "" {
		words += " term " + clean(term)
	}
	return words
}
