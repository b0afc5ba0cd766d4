package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// page is report.html before its layout: every string is clean, every figure
// is written out, so that the template only places them.
type page struct {
	Title    string
	Head     headline
	Tone     string
	Facts    []fact
	Describe string
	Cards    []card
	Timeline timeline
	Findings []finding
	RTO      *rtoView
	RPO      *rpoView
	First    *firstError
	Faults   []faultView
	Heats    []heat
	// MoreHeats are folded away: a run of many episodes measures its links many times.
	MoreHeats []heat
	Avail     []row
	AvailSay  string
	Lin       *linView
	Events    []row
	EventsOf  []string // sources, for the filter
	Omitted   int
	Env       []fact
	Replay    []fact
}

// card is a big figure.
type card struct {
	Name, Figure, Says, Note, Tone, Glyph string
}

// finding is a promise and what became of it.
type finding struct {
	Promise, Word, Glyph, Tone, Says string
	Evidence                         []string
	More                             int
}

// row is a line of a table.
type row struct {
	Class string
	Cells []string
	Note  string
}

// Bounds of the lists, so that a run of a million operations that all went
// wrong still makes a page that a browser opens. What is left out is counted.
const (
	mostEvents   = 2000
	mostEvidence = 40
	mostListed   = 200
)

func pageOf(r *record.Run) (page, error) {
	p := page{Head: headlineOf(r), Describe: clean(r.Description)}
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
	p.First = firstErrorOf(r)
	p.Faults = faultViews(r)
	p.Heats = heats(r)
	if n := len(p.Heats); n > 3 { // before, the first during, after
		p.MoreHeats = slices.Clone(p.Heats[2 : n-1])
		p.Heats = append(p.Heats[:2:2], p.Heats[n-1])
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
		v := finding{Promise: clean(f.Check), Word: clean(string(f.Verdict)), Glyph: glyph(f.Verdict), Tone: tone(f.Verdict), Says: clean(f.Description)}
		v.Evidence, v.More = listed(f.Evidence, mostEvidence)
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
		if len(p.Events) == mostEvents {
			p.Omitted = len(r.Events) - mostEvents
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

// sourceClass is a class name that the style sheet knows.
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
	p.AvailSay = share(a.Overall) + " of the operations of eligible clients were good"
	if a.Objective > 0 {
		p.AvailSay += "; objective " + share(a.Objective)
	} else {
		p.AvailSay += "; reported, not judged"
	}
	for _, s := range a.Series {
		part := "–"
		if s.Due > 0 {
			part = share(float64(s.Good) / float64(s.Due))
		}
		p.Avail = append(p.Avail, row{Cells: []string{
			clean(string(s.Region)), classWord(s.Class), part, count(s.Good), count(s.Due),
			count(s.Dropped), count(s.Minority), duration.OrNever(s.P50), duration.OrNever(s.P99), duration.OrNever(s.Max),
		}})
	}
}
