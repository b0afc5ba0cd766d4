package reports

import (
	"bytes"
	"fmt"
	"html/template"
	"math"

	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"
)

// The geometry of every panel, in SVG units. The axes of the chart library are
// off, because they size themselves by their labels and the panels must line up.
// Rules, bands and marks are drawn by a series of this package instead.
const (
	plotWidth = 1120
	plotLeft  = 104
	plotRight = 14
)

// plot is the drawing of one panel: lines over time in front of bands and marks.
type plot struct {
	height       int
	from, to     float64 // seconds
	low, high    float64
	rules        []float64 // horizontal grid lines
	limit        float64   // a dashed line, NaN for none
	bands        []band
	marks        []float64 // vertical lines: leader changes
	lines        []line
	outages      []band // bars below the lines
	outageHeight int    // space for the outages
}

// band is a stretch of time, in seconds, in the style of a CSS class.
type band struct {
	from, to float64
	class    string
	row      int
}

// line is one polyline; a NaN breaks it.
type line struct {
	class string
	area  bool // fill the space between the line and 1
	x, y  []float64
}

// svg returns what is inside the <svg> element of the panel. The markup
// holds numbers and the class names of this package only, and no text of a run.
func (p plot) svg() (template.HTML, error) {
	pad := chartdraw.Box{Top: 2, Left: plotLeft, Right: plotRight, Bottom: 2 + p.outageHeight, IsSet: true}
	c := chartdraw.Chart{
		Width: plotWidth, Height: p.height, DPI: 72,
		Background: chartdraw.Style{ClassName: "none", Padding: pad},
		Canvas:     chartdraw.Style{ClassName: "canvas"},
		XAxis:      chartdraw.XAxis{Style: chartdraw.Hidden(), Range: &chartdraw.ContinuousRange{Min: p.from, Max: p.to}},
		YAxis:      chartdraw.YAxis{Style: chartdraw.Hidden(), Range: &chartdraw.ContinuousRange{Min: p.low, Max: p.high}},
		YAxisSecondary: chartdraw.YAxis{
			Style: chartdraw.Hidden(), Range: &chartdraw.ContinuousRange{Min: 0, Max: 1},
		},
		Series: []chartdraw.Series{backdrop{p}},
	}
	for _, l := range p.lines {
		for _, s := range l.split() {
			style := chartdraw.Style{ClassName: "line " + l.class, StrokeWidth: 1, StrokeColor: drawing.ColorBlack}
			if l.area {
				fill := style
				fill.ClassName, fill.FillColor = "area "+l.class, drawing.ColorBlack
				c.Series = append(c.Series, areaOf(s, 1, fill))
			}
			s.Style = style
			c.Series = append(c.Series, s)
		}
	}
	var b bytes.Buffer
	if err := c.Render(chartdraw.SVG, &b); err != nil {
		return "", fmt.Errorf("draw a panel: %w", err)
	}
	_, inner, _ := bytes.Cut(b.Bytes(), []byte(">"))
	inner = bytes.TrimSuffix(bytes.TrimSpace(inner), []byte("</svg>"))
	return template.HTML(inner), nil //nolint:gosec // numbers and class names of this package only, see above
}

// split cuts the line at its gaps and drops the inner points of flat stretches.
func (l line) split() []chartdraw.ContinuousSeries {
	var out []chartdraw.ContinuousSeries
	var xs, ys []float64
	end := func() {
		if len(xs) > 1 {
			out = append(out, chartdraw.ContinuousSeries{XValues: xs, YValues: ys})
		}
		xs, ys = nil, nil
	}
	for i := range l.x {
		if math.IsNaN(l.y[i]) {
			end()
			continue
		}
		if n := len(xs); n > 1 && ys[n-1] == l.y[i] && ys[n-2] == l.y[i] {
			xs[n-1] = l.x[i]
			continue
		}
		xs, ys = append(xs, l.x[i]), append(ys, l.y[i])
	}
	end()
	return out
}

// area fills the space between a line and base.
type area struct {
	chartdraw.ContinuousSeries
	base float64
}

func areaOf(s chartdraw.ContinuousSeries, base float64, style chartdraw.Style) area {
	s.Style = style
	return area{s, base}
}

// Render draws the filled shape only. The line itself is another series.
func (a area) Render(r chartdraw.Renderer, box chartdraw.Box, xr, yr chartdraw.Range, _ chartdraw.Style) {
	r.SetClassName(a.Style.ClassName)
	base := box.Bottom - yr.Translate(a.base)
	n := len(a.XValues)
	r.MoveTo(box.Left+xr.Translate(a.XValues[0]), base)
	for i := range n {
		r.LineTo(box.Left+xr.Translate(a.XValues[i]), box.Bottom-yr.Translate(a.YValues[i]))
	}
	r.LineTo(box.Left+xr.Translate(a.XValues[n-1]), base)
	r.Close()
	r.Fill()
	r.ResetStyle()
}

// backdrop draws what is behind the lines (bands, rules, limit and marks) and the
// outages below them.
type backdrop struct{ plot }

func (backdrop) GetName() string                 { return "backdrop" }
func (backdrop) GetYAxis() chartdraw.YAxisType   { return chartdraw.YAxisPrimary }
func (backdrop) GetStyle() chartdraw.Style       { return chartdraw.Style{} }
func (backdrop) Validate() error                 { return nil }
func (p backdrop) clamp(x float64) float64       { return min(max(x, p.from), p.to) }
func (p backdrop) outside(from, to float64) bool { return to < p.from || from > p.to }

// Render implements chartdraw.Series.
func (p backdrop) Render(r chartdraw.Renderer, box chartdraw.Box, xr, yr chartdraw.Range, _ chartdraw.Style) {
	x := func(v float64) int { return box.Left + xr.Translate(p.clamp(v)) }
	y := func(v float64) int { return box.Bottom - yr.Translate(v) }
	rect := func(class string, l, t, rt, b int) {
		r.SetClassName(class)
		r.MoveTo(l, t)
		r.LineTo(rt, t)
		r.LineTo(rt, b)
		r.LineTo(l, b)
		r.Close()
		r.Fill()
	}
	stroke := func(class string, x1, y1, x2, y2 int) {
		r.SetClassName(class)
		r.MoveTo(x1, y1)
		r.LineTo(x2, y2)
		r.Stroke()
	}
	for _, s := range p.bands {
		if !p.outside(s.from, s.to) {
			rect("band "+s.class, x(s.from), box.Top, max(x(s.to), x(s.from)+2), box.Bottom)
		}
	}
	for _, v := range p.rules {
		stroke("rule", box.Left, y(v), box.Right, y(v))
	}
	if !math.IsNaN(p.limit) {
		stroke("limit", box.Left, y(p.limit), box.Right, y(p.limit))
	}
	for _, v := range p.marks {
		if !p.outside(v, v) {
			stroke("mark", x(v), box.Top, x(v), box.Bottom)
		}
	}
	for _, s := range p.outages {
		if !p.outside(s.from, s.to) {
			top := box.Bottom + 2 + 5*s.row
			rect("outage "+s.class, x(s.from), top, max(x(s.to), x(s.from)+2), top+4)
		}
	}
	r.ResetStyle()
}
