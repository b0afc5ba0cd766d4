package reports

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// cards are the key figures, each with its objective.
func cards(r *record.Run) []card {
	j := r.Result
	if j == nil {
		j = &record.Result{}
	}
	out := []card{
		rtoCard(r, j.RTO),
		rpoCard(r, j.RPO),
	}
	if a := j.Availability; a != nil {
		c := card{Name: "Availability", Figure: share(a.Overall), Description: "reported, not judged", Note: "of the operations of eligible clients, from the first fault on"}
		if note := cutOffNote(a.CutOff); note != "" {
			c.Note += "; " + note + ", not counted"
		}
		if a.Objective > 0 {
			c = toned(c, findingOf(r, "availability"))
			c.Description = "objective " + share(a.Objective)
		}
		out = append(out, c)
	}
	if l := j.Linearizable; l != nil {
		c := card{Name: "Linearizable", Figure: "yes", Description: plural(l.Ops, "operation") + " on " + plural(l.Keys, "key")}
		if n := len(l.Undecided); n > 0 {
			c.Figure, c.Note = "unknown", plural(n, "key")+" undecided"
		}
		if n := len(l.Violating); n > 0 {
			c.Figure, c.Note = "no", plural(n, "key")+" in violation"
		}
		if l.Ops == 0 {
			c.Figure = "–"
		}
		out = append(out, toned(c, findingOf(r, "linearizable")))
	}
	return out
}

// toned colours a card by the verdict of its check, where there is one.
func toned(c card, v record.Verdict) card {
	if v != "" {
		c.Tone, c.Glyph = tone(v), glyph(v)
	}
	return c
}

func rtoCard(r *record.Run, o *record.RTO) card {
	c := card{Name: "RTO", Figure: "–", Description: "not measured", Note: "recovery time"}
	if o == nil {
		return c
	}
	c.Figure = duration.OrNever(o.Worst)
	c.Description = fmt.Sprintf("objective %s", duration.OrNever(o.Objective))
	c.Note = fmt.Sprintf("worst eligible series, to within %s", duration.OrNever(o.Resolution))
	v := findingOf(r, "rto")
	switch {
	case !measured(v):
		c.Figure, c.Note = "–", "not measured, see the findings"
	case len(o.Series) == 0:
		c.Figure, c.Note = "–", "no series was measured"
	case !o.Recovered:
		c.Figure, c.Note = "> "+duration.OrNever(o.Worst), "no stable recovery while observed"
	case o.Worst == 0:
		c.Note = "no bad bucket, to within " + duration.OrNever(o.Resolution)
		if noneServed(o) {
			c.Note = "no bad bucket after heal, to within " + duration.OrNever(o.Resolution)
		}
	}
	if w := o.WorstSeries(); w >= 0 && measured(v) && o.Worst > 0 {
		if o.Series[w].FromHeal {
			c.Note += "; counted from heal"
		}
		if ack := o.Series[w].FirstAck; ack >= 0 && ack < o.Worst {
			c.Note += "; first acknowledgement after " + duration.OrNever(ack)
		}
		c.Note += fmt.Sprintf("; bad service for %s, over %s", duration.OrNever(o.Series[w].BadService), plural(o.Series[w].Ops, "operation"))
		if o.UpperBound {
			c.Figure = "≤ " + c.Figure
			c.Note += "; a bound, because the harness or its machine interfered"
		}
	}
	if measured(v) && o.Recovered && o.Min != o.Max {
		c.Note += fmt.Sprintf("; episodes %s / %s / %s (min, median, max)", duration.OrNever(o.Min), duration.OrNever(o.Median), duration.OrNever(o.Max))
	}
	return toned(c, v)
}

func rpoCard(r *record.Run, o *record.RPO) card {
	c := card{Name: "RPO", Figure: "–", Description: "not measured", Note: "acknowledged writes lost"}
	if o == nil {
		return c
	}
	v := findingOf(r, "rpo")
	c.Figure = count(lostCount(o)) + " lost"
	if lostCount(o) == 0 && !measured(v) {
		c.Figure = "unknown"
	}
	c.Description = "objective " + count(o.Objective)
	also := append([]string{plural(o.FinalReads, "final read")}, offences(o)...)
	if len(o.UnreadableNodes) > 0 {
		also = append(also, "none through "+join(o.UnreadableNodes, ", "))
	}
	c.Note = fmt.Sprintf("of %s acknowledged; %s", count(o.Acked), strings.Join(also, ", "))
	if o.Judged > 0 {
		c.Note = fmt.Sprintf("of %s acknowledged whose loss would show; %s", count(o.Judged), strings.Join(also, ", "))
	}
	return toned(c, v)
}
