package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// rtoView is the recovery of every series, and its stages.
type rtoView struct {
	Description string
	Series      []row
	Stages      []stageView
	Scale       []tick
	Step        float64 // between two ticks, per cent
}

// stageView is a bar of the waterfall; Left and Width are per cent.
type stageView struct {
	Name, Took, Budget, Description string
	From                            string
	Left, Width                     float64
	Over                            bool
	Shade                           int
}

// tick is a label on the waterfall's scale.
type tick struct {
	Left float64
	Text string
}

func rtoViewOf(o *record.RTO) *rtoView {
	if o == nil {
		return nil
	}
	v := &rtoView{}
	worst := o.WorstSeries()
	for i, s := range o.Series {
		v.Series = append(v.Series, seriesRow(s, o.Objective, i == worst && (s.RTO > 0 || !s.Recovered)))
	}
	v.Description = fmt.Sprintf("Objective %s; figures are accurate to %s.", duration.OrNever(o.Objective), duration.OrNever(o.Resolution))
	if o.Min != o.Max {
		v.Description += fmt.Sprintf(" Over the episodes: min %s, median %s, max %s.", duration.OrNever(o.Min), duration.OrNever(o.Median), duration.OrNever(o.Max))
	}
	v.addStages(o.Stages)
	return v
}

func seriesRow(s record.RTOSeries, objective time.Duration, worst bool) row {
	figure := duration.OrNever(s.RTO)
	if !s.Recovered {
		figure = "not recovered in " + duration.OrNever(s.RTO)
	}
	w := row{Cells: []string{
		clean(string(s.Region)), classWord(s.Class), fmt.Sprint(s.Episode), figure,
		since(s.FirstAck), since(s.SinceHeal), outage(s.LongestOutage), count(len(s.Outages)), share(s.BrownOut),
		outage(s.BadService), operations(s.Ops),
	}}
	switch {
	case !s.Eligible && s.FromHeal:
		w.Note, w.Class = "no quorum by design, counted from heal", "no-quorum"
	case !s.Eligible:
		w.Note, w.Class = "no quorum by design", "no-quorum"
	case s.FromHeal && s.CutOff > 0:
		w.Note, w.Class = "counted from heal", "no-quorum"
	case s.FromHeal:
		w.Note = "beyond the declared tolerance, counted from heal"
	case worst:
		w.Note, w.Class = "worst", "worst"
	}
	w.Note = strings.TrimPrefix(w.Note+"; "+cutOffNote(s.CutOff), "; ")
	w.Note = strings.TrimSuffix(w.Note, "; ")
	if !s.Recovered || s.RTO > objective {
		w.Class += " missed"
	}
	return w
}

// cutOffNote says how many operations were acknowledged by a side without a quorum; it is empty for none.
func cutOffNote(n int) string {
	if n == 0 {
		return ""
	}
	return "served by the cut-off side: " + plural(n, "acknowledgement")
}

// operations is how many operations a figure rests on; results of before do not say.
func operations(n int) string {
	if n == 0 {
		return "–"
	}
	return count(n)
}

func since(d time.Duration) string {
	if d == record.NotReached {
		return "–"
	}
	return duration.OrNever(d)
}

func outage(d time.Duration) string {
	if d <= 0 {
		return "none"
	}
	return duration.OrNever(d)
}

func (v *rtoView) addStages(stages []record.Stage) {
	if len(stages) == 0 {
		return
	}
	from, to := stages[0].From, stages[0].To
	for _, s := range stages {
		from, to = min(from, s.From), max(to, s.To)
	}
	span := float64(max(to-from, time.Millisecond))
	for i, s := range stages {
		took := s.To - s.From
		b := stageView{
			Name: clean(s.Name), Took: duration.OrNever(max(took, 0)), Description: clean(s.Description), From: "+" + duration.OrNever(s.From-from),
			Left: round2(float64(s.From-from) / span * 100), Width: round2(max(float64(took)/span*100, 0.4)), Shade: i % 6,
		}
		b.Left = min(b.Left, 99.6)
		b.Width = min(b.Width, 100-b.Left)
		if s.Budget > 0 {
			b.Budget, b.Over = duration.OrNever(s.Budget), took > s.Budget
		}
		v.Stages = append(v.Stages, b)
	}
	step := stepOf(time.Duration(span))
	v.Step = float64(step) / span * 100
	for d := time.Duration(0); float64(d) < span*0.94; d += step { // the last label would run over the edge
		v.Scale = append(v.Scale, tick{Left: round2(float64(d) / span * 100), Text: duration.OrNever(d)})
	}
}

// stepOf is the smallest round step that divides a span into at most six parts.
func stepOf(span time.Duration) time.Duration {
	for unit := time.Millisecond; ; unit *= 10 {
		for _, k := range []time.Duration{1, 2, 5} {
			if span <= 6*k*unit {
				return k * unit
			}
		}
	}
}

func round2(f float64) float64 { return float64(int(f*100+0.5)) / 100 }
