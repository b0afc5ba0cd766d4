package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/harness"
)

// maxStrip is the longest strip of a region's past, in cells of tickCells repaints.
const (
	maxStrip  = 60
	tickCells = 5
)

// panel is what live shows below the events.
type panel struct {
	title string
	begun time.Time
	state harness.Progress
	past  map[string][]float64 // region → share of good operations, a sample a repaint
	paint paint
}

func newPanel(title string, colour bool) *panel {
	return &panel{title: title, begun: time.Now(), past: map[string][]float64{}, paint: paint(colour)}
}

// take moves the panel on by one repaint.
func (p *panel) take(state harness.Progress, heard bool) {
	if heard {
		p.state = state
	}
	for _, r := range p.state.Rates {
		all := append(p.past[r.Region], r.OK)
		p.past[r.Region] = all[max(0, len(all)-maxStrip*tickCells):]
	}
}

// view draws phase and countdown, a line a region, and the faults.
func (p *panel) view(width int) string {
	var b strings.Builder
	phase, at := p.state.Phase, p.state.At
	if phase == "" {
		phase, at = "prepare", time.Since(p.begun)
	}
	fmt.Fprintf(&b, "\n %s  %s   %s", p.paint.bold(p.title), clock(at), p.paint.bold(phase))
	if left := p.state.Ends - at; p.state.Ends > 0 && left > 0 {
		fmt.Fprintf(&b, "  %s left at most", clock(left))
	}
	b.WriteByte('\n')
	cells := min(maxStrip, max(10, width-46))
	for _, r := range p.state.Rates {
		p99 := "-"
		if r.P99 > 0 {
			p99 = r.P99.Round(time.Millisecond).String()
		}
		fmt.Fprintf(&b, " %-8s %s %4.0f%%  %4d/s  p99 %s\n", r.Region, p.strip(p.past[r.Region], cells), 100*r.OK, r.Due, p99)
	}
	switch {
	case len(p.state.Active) > 0:
		fmt.Fprintf(&b, " %s %s\n", p.paint.bad("faults"), strings.Join(p.state.Active, "; "))
	case p.state.Phase != "":
		b.WriteString(p.paint.faint(" no fault under way") + "\n")
	}
	b.WriteString(p.paint.faint(" Ctrl-C heals, cleans and keeps the partial record") + "\n")
	return b.String()
}

// strip draws a region's past, newest to the right: full cells where all was
// well, lower ones the worse it was, a dot where nothing was answered.
func (p *panel) strip(past []float64, cells int) string {
	var b strings.Builder
	groups := len(past) / tickCells
	for i := range cells {
		g := i - (cells - groups)
		if g < 0 {
			b.WriteByte(' ')
			continue
		}
		worst := 1.0
		for _, ok := range past[len(past)-(groups-g)*tickCells:][:tickCells] {
			worst = min(worst, ok)
		}
		switch {
		case worst >= 0.99:
			b.WriteString(p.paint.good("█"))
		case worst > 0:
			b.WriteString(p.paint.poor(string([]rune("▁▂▃▄▅▆▇")[int(worst*6.99)])))
		default:
			b.WriteString(p.paint.bad("·"))
		}
	}
	return b.String()
}
