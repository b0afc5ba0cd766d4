package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

// live is the face of a run in a terminal: events scroll by above a panel that
// shows the phase, the regions and the faults under way.
//
// Why not a terminal library: those at hand ask the terminal for its colours
// when the program starts, whatever the verb, and wait seconds for one that
// does not answer; and they take the keyboard, so that Ctrl-C arrives as a
// letter. This face only writes, and leaves nothing behind that a kill -9
// would have to undo.
type live struct {
	box         inbox
	stop, ended chan struct{}
}

func newLive(tty *os.File, title string) *live {
	l := &live{stop: make(chan struct{}), ended: make(chan struct{})}
	go l.paint(tty, newPanel(title, os.Getenv("NO_COLOR") == ""))
	return l
}

func (l *live) Tell(p harness.Progress) { l.box.put(p) }
func (l *live) Note(s string)           { l.box.note(s) }

func (l *live) Close() {
	close(l.stop)
	<-l.ended
}

// repaintEvery is how often the panel is drawn and its strips move on.
const repaintEvery = 100 * time.Millisecond

// paint draws until Close; the last thing it does is to take the panel away.
func (l *live) paint(tty *os.File, p *panel) {
	defer close(l.ended)
	tick := time.NewTicker(repaintEvery)
	defer tick.Stop()
	drawn := 0
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-l.stop:
			last = true
		}
		state, heard, events, notes := l.box.take()
		p.take(state, heard)
		width, _, err := term.GetSize(int(tty.Fd()))
		if err != nil || width < 20 {
			width = 80
		}
		out := frame{drawn: drawn}
		out.lines(notes...)
		for _, e := range events {
			out.lines(p.paint.event(e))
		}
		drawn = 0
		if !last {
			drawn = out.panel(p.view(width), width)
		}
		fmt.Fprint(tty, out.String())
	}
}

// frame is one repaint: the old panel goes, lines come, the new panel follows.
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

// panel writes lines that the terminal must not wrap, and returns how many.
func (f *frame) panel(view string, width int) int {
	f.begin()
	ls := strings.Split(strings.TrimSuffix(view, "\n"), "\n")
	for _, l := range ls {
		f.WriteString(ansi.Truncate(l, width-1, "…") + "\n")
	}
	return len(ls)
}

// paint is the colours of a terminal, or none.
type paint bool

func (p paint) in(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) good(s string) string  { return p.in("32", s) }
func (p paint) poor(s string) string  { return p.in("33", s) }
func (p paint) bad(s string) string   { return p.in("31", s) }
func (p paint) bold(s string) string  { return p.in("1", s) }
func (p paint) faint(s string) string { return p.in("2", s) }

// event colours an event's line by who tells it.
func (p paint) event(e record.Event) string {
	switch line := eventLine(e); e.Source {
	case record.FromFault, record.FromProbe:
		return p.bad(line)
	case record.FromPlatform:
		return line
	default:
		return p.faint(line)
	}
}
