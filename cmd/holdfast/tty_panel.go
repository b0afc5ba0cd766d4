package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/internal/duration"
)

// maxSparkline is the longest history that is drawn of a region, in cells of
// repaintsPerCell repaints.
const (
	maxSparkline    = 60
	repaintsPerCell = 5
)

// ttyPanel is what a ttyView shows below the events.
type ttyPanel struct {
	title   string
	begun   time.Time
	state   harness.Progress
	history map[string][]float64 // region → share of good operations, a sample a repaint
	style   style
}

func newTTYPanel(title string, colour bool) *ttyPanel {
	return &ttyPanel{title: title, begun: time.Now(), history: map[string][]float64{}, style: style(colour)}
}

// advance moves the panel on by one repaint. Updated is false where the engine has
// reported nothing since the last one.
func (p *ttyPanel) advance(state harness.Progress, updated bool) {
	if updated {
		p.state = state
	}
	for _, r := range p.state.Rates {
		all := append(p.history[r.Region], r.OK)
		p.history[r.Region] = all[max(0, len(all)-maxSparkline*repaintsPerCell):]
	}
}

// view draws the phase with its countdown, a line for each region, and the active faults.
func (p *ttyPanel) view(width int) string {
	var b strings.Builder
	phase, at := p.state.Phase, p.state.At
	if phase == "" {
		phase, at = preparing, time.Since(p.begun)
	}
	fmt.Fprintf(&b, "\n %s  %s   %s", p.style.bold(p.title), formatOffset(at), p.style.bold(phase))
	if left := p.state.Ends - at; p.state.Ends > 0 && left > 0 {
		fmt.Fprintf(&b, "  %s left at most", duration.Format(left))
	}
	b.WriteByte('\n')
	cells := min(maxSparkline, max(10, width-46))
	for _, r := range p.state.Rates {
		p99 := "-"
		if r.P99 > 0 {
			p99 = duration.Format(r.P99)
		}
		fmt.Fprintf(&b, " %-8s %s %4.0f%%  %4d/s  p99 %s\n", r.Region, p.sparkline(p.history[r.Region], cells), 100*r.OK, r.Due, p99)
	}
	switch {
	case len(p.state.Active) > 0:
		fmt.Fprintf(&b, " %s %s\n", p.style.red("faults"), strings.Join(p.state.Active, "; "))
	case p.state.Phase != "":
		b.WriteString(p.style.faint(" no active fault") + "\n")
	}
	b.WriteString(p.style.faint(" Ctrl-C heals, cleans and keeps the partial record") + "\n")
	return b.String()
}

// sparkline draws the share of good operations of a region over time, newest to the
// right: a full cell is 99 % or more, a lower one less, a dot means none.
func (p *ttyPanel) sparkline(past []float64, cells int) string {
	var b strings.Builder
	groups := len(past) / repaintsPerCell
	for i := range cells {
		g := i - (cells - groups)
		if g < 0 {
			b.WriteByte(' ')
			continue
		}
		worst := 1.0
		for _, ok := range past[len(past)-(groups-g)*repaintsPerCell:][:repaintsPerCell] {
			worst = min(worst, ok)
		}
		switch {
		case worst >= 0.99:
			b.WriteString(p.style.green("█"))
		case worst > 0:
			b.WriteString(p.style.yellow(string([]rune("▁▂▃▄▅▆▇")[int(worst*6.99)])))
		default:
			b.WriteString(p.style.red("·"))
		}
	}
	return b.String()
}
