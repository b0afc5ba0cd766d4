package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// page is what report.html shows. Every string is clean and every figure is
// formatted, so that the template only lays them out.
type page struct {
	Title       string
	Head        headline
	Tone        string
	Facts       []fact
	Description string
	Cards       []card
	Timeline    timeline
	Findings    []finding
	RTO         *rtoView
	RPO         *rpoView
	First       *firstError
	Faults      []faultView
	Heatmaps    []heatmap
	// MoreHeatmaps are collapsed, because a run of many episodes measures its links many times.
	MoreHeatmaps     []heatmap
	Avail            []row
	AvailDescription string
	Lin              *linView
	Events           []row
	EventsOf         []string // sources, for the filter
	Omitted          int
	Env              []fact
	Punctuality      string   // how punctually the load was sent, and how busy the machine was
	Interference     []string // when the harness or its machine may have made operations bad
	Replay           []fact
}

// card is one key figure.
type card struct {
	Name, Figure, Description, Note, Tone, Glyph string
}

// finding is the verdict of one check with its evidence.
type finding struct {
	Check, Word, Glyph, Tone, Description string
	Evidence                              []string
	More                                  int
}

// row is a line of a table.
type row struct {
	Class string
	Cells []string
	Note  string
}

// Bounds of the lists, so that a run of a million failed operations still makes a page
// that a browser can open. What is left out is counted.
const (
	maxEvents   = 2000
	maxEvidence = 40
	maxListed   = 200
)

func pageOf(r *record.Run) (page, error) {
	p := page{Head: headlineOf(r), Description: clean(r.Description)}
	p.Title = clean(r.Scenario)
	if p.Title == "" {
		p.Title = "run " + clean(r.ID)
	}
	p.Tone = tone(p.Head.Verdict)
	p.Facts = []fact{
		{"run", clean(r.ID), true},
		{"started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC"), false},
		{"target", clean(r.Target), false},
		{"runtime", clean(r.Runtime), false},
		{"seed", fmt.Sprint(r.Seed), true},
	}
	var err error
	if p.Timeline, err = timelineOf(r); err != nil {
		return p, err
	}
	p.Cards = cards(r)
	p.Punctuality, p.Interference = punctuality(r)
	p.First = firstErrorOf(r)
	p.Faults = faultViews(r)
	p.Heatmaps = heatmaps(r)
	if n := len(p.Heatmaps); n > 3 { // before, the first during, after
		p.MoreHeatmaps = slices.Clone(p.Heatmaps[2 : n-1])
		p.Heatmaps = append(p.Heatmaps[:2:2], p.Heatmaps[n-1])
	}
	p.addEvents(r)
	p.Env, p.Replay = environment(r), replay(r)
	if j := r.Result; j != nil {
		p.Findings = findings(j)
		p.RTO, p.RPO, p.Lin = rtoViewOf(j.RTO), rpoViewOf(j.RPO, findingOf(r, "rpo")), linViewOf(j.Linearizable)
		p.addAvailability(j.Availability)
	}
	return p, nil
}

func findings(j *record.Result) []finding {
	var out []finding
	for _, f := range j.Findings {
		v := finding{Check: clean(f.Check), Word: clean(string(f.Verdict)), Glyph: glyph(f.Verdict), Tone: tone(f.Verdict), Description: clean(f.Description)}
		v.Evidence, v.More = listed(f.Evidence, maxEvidence)
		out = append(out, v)
	}
	return out
}

// listed cleans the first n of the strings and counts the rest.
func listed(all []string, n int) (shown []string, more int) {
	for _, s := range all[:min(n, len(all))] {
		shown = append(shown, clean(s))
	}
	return shown, max(0, len(all)-n)
}

func (p *page) addEvents(r *record.Run) {
	for _, e := range r.Events {
		if len(p.Events) == maxEvents {
			p.Omitted = len(r.Events) - maxEvents
			break
		}
		p.Events = append(p.Events, eventRow(e))
	}
	for _, s := range record.EventSources() {
		if slices.ContainsFunc(r.Events, func(e record.Event) bool { return e.Source == s }) {
			p.EventsOf = append(p.EventsOf, string(s))
		}
	}
}

func eventRow(e record.Event) row {
	where := clean(string(e.Node))
	if where == "" {
		where = clean(string(e.Region))
	}
	if where == "" {
		where = clean(e.Fault)
	}
	says := clean(e.Description)
	keys := make([]string, 0, len(e.Fields))
	for k := range e.Fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var fields []string
	for _, k := range keys {
		fields = append(fields, clean(k)+"="+clean(e.Fields[k]))
	}
	if len(fields) > 0 {
		says = strings.TrimSpace(says + "  " + strings.Join(fields, " "))
	}
	return row{Class: sourceClass(e.Source), Cells: []string{at(e.At), clean(string(e.Source)), clean(string(e.Kind)), where, says}}
}

// sourceClass is the CSS class of a source, one that the style sheet has.
func sourceClass(s record.EventSource) string {
	if slices.Contains(record.EventSources(), s) {
		return "from-" + string(s)
	}
	return "from-other"
}

func (p *page) addAvailability(a *record.Availability) {
	if a == nil {
		return
	}
	p.AvailDescription = share(a.Overall) + " of the operations of eligible clients were good"
	if a.Objective > 0 {
		p.AvailDescription += "; objective " + share(a.Objective)
	} else {
		p.AvailDescription += "; reported, not judged"
	}
	if note := cutOffNote(a.CutOff); note != "" {
		p.AvailDescription += "; " + note + ", which count as neither due nor good"
	}
	for _, s := range a.Series {
		part := "–"
		if s.Due > 0 {
			part = share(float64(s.Good) / float64(s.Due))
		}
		p.Avail = append(p.Avail, row{Cells: []string{
			clean(string(s.Region)), classWord(s.Class), part, count(s.Good), count(s.Due),
			count(s.Dropped), count(s.DueWithoutQuorum), count(s.CutOff), duration.OrNever(s.P50), duration.OrNever(s.P99), duration.OrNever(s.Max),
		}})
	}
}
