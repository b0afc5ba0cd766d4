package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
)

// ttyView shows a run in a terminal: events scroll by above a panel with the
// phase, the regions and the active faults.
//
// It does without a terminal library. Bubbletea and its like query the terminal's
// colours when the program starts, whatever the verb, and wait seconds for a
// terminal that does not answer; and they put the keyboard into raw mode, so that
// Ctrl-C is no signal any more. This view only writes, so there is no terminal
// state to restore after a kill -9.
type ttyView struct {
	buffer     progressBuffer
	stop, done chan struct{}
}

func newTTYView(tty *os.File, title string) *ttyView {
	l := &ttyView{stop: make(chan struct{}), done: make(chan struct{})}
	go l.run(tty, newTTYPanel(title, os.Getenv("NO_COLOR") == ""))
	return l
}

func (l *ttyView) Update(p harness.Progress) { l.buffer.add(p) }
func (l *ttyView) Note(s string)             { l.buffer.addNote(printable.Line(s)) }

func (l *ttyView) Close() {
	close(l.stop)
	<-l.done
}

// repaintInterval is how often the panel is drawn and its sparklines advance.
const repaintInterval = 100 * time.Millisecond

// run draws until Close. At the end it removes the panel.
func (l *ttyView) run(tty *os.File, p *ttyPanel) {
	defer close(l.done)
	tick := time.NewTicker(repaintInterval)
	defer tick.Stop()
	drawn := 0
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-l.stop:
			last = true
		}
		state, updated, events, notes := l.buffer.drain()
		p.advance(state, updated)
		width, _, err := term.GetSize(int(tty.Fd()))
		if err != nil || width < 20 {
			width = 80
		}
		out := frame{drawn: drawn}
		out.lines(notes...)
		for _, e := range events {
			out.lines(p.style.event(e))
		}
		drawn = 0
		if !last {
			drawn = out.panel(p.view(width), width)
		}
		fmt.Fprint(tty, out.String())
	}
}

// frame is one repaint: it erases the old panel, prints new lines and draws the panel again.
type frame struct {
	drawn int // lines of the panel on the screen
	strings.Builder
	begun bool
}

func (f *frame) begin() {
	if f.begun {
		return
	}
	f.begun = true
	if f.drawn > 0 {
		fmt.Fprintf(f, "\x1b[%dA", f.drawn)
	}
	f.WriteString("\r\x1b[J")
}

func (f *frame) lines(ls ...string) {
	f.begin()
	for _, l := range ls {
		f.WriteString(l + "\n")
	}
}

// panel draws the lines of a panel, cut so that the terminal does not wrap them,
// and returns how many there are.
func (f *frame) panel(view string, width int) int {
	f.begin()
	ls := strings.Split(strings.TrimSuffix(view, "\n"), "\n")
	for _, l := range ls {
		f.WriteString(ansi.Truncate(l, width-1, "…") + "\n")
	}
	return len(ls)
}

// style colours text for a terminal, or leaves it plain when false.
type style bool

func (p style) sgr(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p style) green(s string) string  { return p.sgr("32", s) }
func (p style) yellow(s string) string { return p.sgr("33", s) }
func (p style) red(s string) string    { return p.sgr("31", s) }
func (p style) bold(s string) string   { return p.sgr("1", s) }
func (p style) faint(s string) string  { return p.sgr("2", s) }

// event colours an event's line by its source.
func (p style) event(e record.Event) string {
	switch line := eventLine(e); e.Source {
	case record.FromFault, record.FromProbe:
		return p.red(line)
	case record.FromPlatform:
		return line
	default:
		return p.faint(line)
	}
}
