package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// progressView shows a run while it happens. Update and Note may be called from
// any goroutine and do not block. Close prints what is left and returns when the
// last byte has been written.
type progressView interface {
	Update(p harness.Progress)
	Note(line string)
	Close()
}

// newProgressView is the live view in a terminal, and plain lines everywhere else.
func (a *app) newProgressView(title string) progressView {
	if f, ok := fileOf(a.err); ok && !a.plain && !a.json &&
		term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == "" {
		return newTTYView(f, title)
	}
	return newPlainView(a.err, preparing)
}

// preparing is what is shown as the phase before the engine has reported one.
const preparing = "prepare"

// formatOffset prints an instant as 12.3s or 1m02.3s, with a width that does not jump as it runs.
func formatOffset(d time.Duration) string {
	if d == record.NotReached {
		return "never"
	}
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	if d < time.Minute {
		return fmt.Sprintf("%s%.1fs", sign, d.Seconds())
	}
	d = d.Round(100 * time.Millisecond)
	return fmt.Sprintf("%s%dm%04.1fs", sign, int(d.Minutes()), (d % time.Minute).Seconds())
}

// eventLine is an event as both views print it.
func eventLine(e record.Event) string {
	who := string(e.Node)
	if who == "" {
		who = string(e.Region)
	}
	if who != "" {
		who += " "
	}
	what := e.Description
	if what == "" {
		what = fmt.Sprint(e.Fields)
	}
	return fmt.Sprintf("%8s  %-8s %s%s: %s", formatOffset(e.At), e.Source, who, e.Kind, what)
}

// stateLine is a run's state in one line.
func stateLine(p harness.Progress) string {
	s := fmt.Sprintf("%8s  %-8s", formatOffset(p.At), p.Phase)
	if left := p.Ends - p.At; p.Ends > 0 && left > 0 {
		s += fmt.Sprintf(" %s left at most", duration.Format(left))
	}
	for _, r := range p.Rates {
		s += fmt.Sprintf("  %s %d/s %.0f%% ok", r.Region, r.Due, 100*r.OK)
		if r.P99 > 0 {
			s += " p99 " + duration.Format(r.P99)
		}
	}
	for _, f := range p.Active {
		s += "  [" + f + "]"
	}
	return s
}
