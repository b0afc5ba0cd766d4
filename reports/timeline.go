package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// timeline is the chart of the whole run: phases, faults and leaders above,
// two panels for each client region below, all on one scale of time.
type timeline struct {
	Width, Height int
	Description   string // the text alternative of the chart
	Bucket, Limit string
	Interfered    bool // the harness or its machine did, so that there are bands of it
	Phases        []mark
	Faults        []mark
	MoreFaults    string
	FaultsY       int
	Leaders       []mark
	LeadersY      int
	LeadersEnd    int
	Panels        []panel
	Ticks         []mark
	TicksY        int
	Empty         bool // no operation was recorded
	HasOutage     bool
}

// mark is a place on the time axis with its words.
type mark struct {
	X, Y, W  int
	Text     string // as much of the words as fits
	Title    string // the full words, shown on hover
	Class    string
	EffectX  []int // where the fault or heal was first seen, 0 for never
	TextX    int
	TextEnds bool // the words end at TextX instead of starting there
}

// panel is one drawing of the chart with its labels, at its vertical position.
type panel struct {
	Y, Height int
	Region    string
	What      string
	Body      template.HTML
	Labels    []mark
	Hits      []mark // hover areas with words
}

const (
	successHeight, latencyHeight = 62, 78
	faultRow                     = 18
	maxFaultRows                 = 8
	maxLeaders                   = 60
	leaderRow, maxLeaderRows     = 15, 4
)

// The latency axis is logarithmic, in milliseconds.
var latencyTicks = []struct {
	ms   float64
	text string
}{{0.01, "10 µs"}, {0.1, "0.1 ms"}, {1, "1 ms"}, {10, "10 ms"}, {100, "100 ms"}, {1000, "1 s"}, {10000, "10 s"}}

func timelineOf(r *record.Run) (timeline, error) {
	f := frameOf(r)
	series := chartSeriesOf(r, f)
	t := timeline{Width: plotWidth, Bucket: duration.OrNever(f.Bucket), Limit: duration.OrNever(judgedSLOParams(r).Latency), Empty: len(series) == 0}
	x := func(d time.Duration) int {
		d = min(max(d, f.From), f.To)
		return plotLeft + int(math.Round(float64(d-f.From)/float64(f.To-f.From)*float64(plotWidth-plotLeft-plotRight)))
	}
	t.addPhases(r, f, x)
	y := t.addFaults(r, f, x, 24)
	y = t.addLeaders(r, f, x, y)
	t.Interfered = r.Result != nil && r.Result.Lateness != nil && len(r.Result.Lateness.Interference) > 0
	bands, marks := bandsOf(r, f), leaderTimes(r, f)
	for _, region := range regionsOf(r) {
		drew := false
		for _, what := range []func(*record.Run, frame, []chartSeries, topology.Region) (plot, panel, bool){goodputPanel, latencyPanel} {
			p, d, ok := what(r, f, series, region)
			if !ok {
				continue
			}
			p.bands, p.marks = bands, marks
			body, err := p.svg()
			if err != nil {
				return t, fmt.Errorf("draw the %s of region %s: %w", d.What, region, err)
			}
			d.Body, d.Y, d.Height = body, y, p.height
			for i := range d.Hits {
				d.Hits[i].X, d.Hits[i].W = x(time.Duration(d.Hits[i].X)), max(x(time.Duration(d.Hits[i].W))-x(time.Duration(d.Hits[i].X)), 3)
				t.HasOutage = true
			}
			t.Panels = append(t.Panels, d)
			y += p.height
			drew = true
		}
		if drew {
			y += 8
		}
	}
	t.TicksY = y
	t.addTicks(f, x)
	t.Height = y + 22
	t.Description = describe(r, t, f)
	return t, nil
}

// ends is the end of a stretch in the chart, which is the chart's own for one that did not end.
func ends(d time.Duration, f frame) time.Duration {
	if d == record.NotReached {
		return f.To
	}
	return d
}

// faultEnd is where the chart ends a fault: at the request of its heal, or at the end of the
// chart when the heal failed or was never seen.
func faultEnd(ft *record.Fault, f frame) time.Duration {
	if ft.End() == record.Forever {
		return f.To
	}
	return ends(ft.Heal.Requested, f)
}

func (t *timeline) addPhases(r *record.Run, f frame, x func(time.Duration) int) {
	for i, p := range r.Phases {
		to := ends(p.To, f)
		if to <= f.From || p.From >= f.To {
			continue
		}
		m := mark{X: x(p.From), W: x(to) - x(p.From), Class: fmt.Sprintf("phase%d", i%2)}
		m.Title = fmt.Sprintf("phase %s: %s to %s", clean(p.Name), at(p.From), at(p.To))
		m.Text, m.TextX = fits(clean(p.Name), m.W-8), m.X+5
		t.Phases = append(t.Phases, m)
	}
}

// addFaults puts overlapping faults on different rows, so that they do not hide each other.
func (t *timeline) addFaults(r *record.Run, f frame, x func(time.Duration) int, y int) int {
	t.FaultsY = y
	var rowEnds []int
	more := 0
	for _, ft := range r.Faults {
		if ft.Inject.Requested == record.NotReached {
			continue
		}
		m := mark{X: x(ft.Inject.Requested), Class: "bar"}
		m.W = max(x(faultEnd(&ft, f))-m.X, 3)
		words := clean(ft.ID + ": " + ft.Description)
		m.Title = fmt.Sprintf("%s; requested %s, effective %s; heal requested %s, effective %s", words,
			at(ft.Inject.Requested), at(ft.Inject.Effective), at(ft.Heal.Requested), at(ft.Heal.Effective))
		m.TextX, m.Text = m.X+6, fits(clean(ft.Description), m.W-12)
		last := m.X + m.W
		if m.Text != clean(ft.Description) { // beside the bar, on the side with more room
			if right := plotWidth - last - 8; right >= m.X-plotLeft {
				m.TextX, m.Text = last+6, fits(clean(ft.Description), right)
				last = m.TextX + textWidth(m.Text)
			} else {
				m.TextX, m.Text, m.TextEnds = m.X-6, fits(clean(ft.Description), m.X-plotLeft-8), true
			}
			m.Class = "bar outside"
		}
		for _, e := range []time.Duration{ft.Inject.Effective, ft.Heal.Effective} {
			if e != record.NotReached {
				m.EffectX = append(m.EffectX, x(e))
			}
		}
		left := m.X
		if m.TextEnds {
			left = m.TextX - textWidth(m.Text)
		}
		row := 0
		for row < len(rowEnds) && rowEnds[row] > left-4 {
			row++
		}
		if row >= maxFaultRows {
			more++
			continue
		}
		if row == len(rowEnds) {
			rowEnds = append(rowEnds, 0)
		}
		rowEnds[row] = last
		m.Y = y + row*faultRow
		t.Faults = append(t.Faults, m)
	}
	y += len(rowEnds) * faultRow
	if more > 0 {
		t.MoreFaults = fmt.Sprintf("and %s more, listed under Faults", plural(more, "fault"))
		y += faultRow
	}
	if len(rowEnds) > 0 {
		y += 4
	}
	return y
}

func (t *timeline) addTicks(f frame, x func(time.Duration) int) {
	step := time.Second
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200} {
		step = s * time.Second
		if (f.To-f.From)/step <= 12 {
			break
		}
	}
	for d := (f.From + step - 1) / step * step; d <= f.To; d += step {
		m := mark{X: x(d), Text: num(d.Seconds(), 0) + " s"}
		if step >= time.Minute {
			m.Text = num(d.Minutes(), 0) + " min"
		}
		t.Ticks = append(t.Ticks, m)
	}
}

func bandsOf(r *record.Run, f frame) []band {
	var out []band
	for _, ft := range r.Faults {
		if ft.Inject.Requested != record.NotReached {
			out = append(out, band{from: ft.Inject.Requested.Seconds(), to: faultEnd(&ft, f).Seconds(), class: "fault"})
		}
	}
	if r.Result != nil && r.Result.Lateness != nil {
		for _, i := range r.Result.Lateness.Interference {
			out = append(out, band{from: i.From.Seconds(), to: min(i.To, f.To).Seconds(), class: "interference"})
		}
	}
	return out
}

// describe is the text alternative of the chart.
func describe(r *record.Run, t timeline, f frame) string {
	if t.Empty {
		return "No operation was recorded."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Share of good operations and latency of each client region over time, with %s and %s.",
		plural(len(r.Faults), "fault"), plural(len(leaderTimes(r, f)), "election"))
	if r.Result != nil && r.Result.RTO != nil {
		for _, s := range r.Result.RTO.Series {
			if s.LongestOutage > 0 {
				fmt.Fprintf(&b, " %s from %s: longest outage %s.", classWord(s.Class), clean(string(s.Region)), duration.OrNever(s.LongestOutage))
			}
		}
	}
	return b.String()
}

func classWord(c history.Class) string {
	switch c {
	case history.Writes:
		return "writes"
	case history.Reads:
		return "reads"
	}
	return clean(string(c))
}

// textWidth estimates the width of chart text in SVG units.
func textWidth(s string) int { return len([]rune(s)) * 6 }

// fits shortens words to a width, to nothing when even a few letters do not fit.
func fits(s string, width int) string {
	rs := []rune(s)
	if len(rs)*6 <= width {
		return s
	}
	if n := width/6 - 1; n >= 4 {
		return string(rs[:n]) + "…"
	}
	return ""
}
