package reports

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// leaderTimes are the instants, in seconds, at which a leader was elected.
func leaderTimes(r *record.Run, f frame) []float64 {
	var out []float64
	for _, e := range r.Events {
		if e.Election() && e.At >= f.From && e.At <= f.To && len(out) < maxLeaders {
			out = append(out, e.At.Seconds())
		}
	}
	return out
}

// addLeaders marks each election, and the leader from before the chart begins. An
// election whose words would overlap those of another takes the next row.
func (t *timeline) addLeaders(r *record.Run, f frame, x func(time.Duration) int, y int) int {
	t.LeadersY = y
	var rows [maxLeaderRows][][2]int // what is taken, from and to
	used := 0
	put := func(m mark, words string) {
		m.TextX, m.Text = m.X+7, fits(words, 150)
		from, to := m.X-6, m.TextX+textWidth(m.Text)
		if to > plotWidth {
			m.TextX, m.TextEnds = m.X-7, true
			from, to = m.TextX-textWidth(m.Text), m.X+6
		}
		row := freeRow(rows[:], from, to)
		if row < 0 { // there is no space: the words are shown on hover only
			row, m.Text, from, to = 0, "", m.X-6, m.X+6
		}
		rows[row] = append(rows[row], [2]int{from, to})
		used = max(used, row+1)
		m.Y = y + row*leaderRow
		t.Leaders = append(t.Leaders, m)
	}
	if e := leaderBefore(r, f); e != nil {
		words := leaderWords(*e)
		put(mark{X: plotLeft + 6, Class: "before", Title: fmt.Sprintf("leader before the load, elected at %s: %s", at(e.At), words)}, words)
	}
	for _, e := range r.Events {
		if !e.Election() || e.At < f.From || e.At > f.To || len(t.Leaders) >= maxLeaders {
			continue
		}
		words := leaderWords(e)
		put(mark{X: x(e.At), Title: fmt.Sprintf("elected %s at %s: %s", words, at(e.At), clean(e.Description))}, words)
	}
	if used > 0 {
		y += used*leaderRow + 3
	}
	t.LeadersEnd = y
	return y
}

// freeRow is the first row that is empty between two positions, or -1.
func freeRow(rows [][][2]int, from, to int) int {
	for i, taken := range rows {
		if !slices.ContainsFunc(taken, func(s [2]int) bool { return from < s[1] && to > s[0] }) {
			return i
		}
	}
	return -1
}

// leaderBefore is the last election before the chart begins.
func leaderBefore(r *record.Run, f frame) *record.Event {
	var last *record.Event
	for i := range r.Events {
		if e := &r.Events[i]; e.Election() && e.At < f.From {
			last = e
		}
	}
	return last
}

func leaderWords(e record.Event) string {
	words := clean(string(e.Node))
	if term := e.Fields[record.FieldTerm]; term != "" {
		words += " term " + clean(term)
	}
	return words
}
