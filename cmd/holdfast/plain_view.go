package main

import (
	"fmt"
	"io"
	"time"

	"github.com/mcp-resilience/holdfast/harness"
)

// A plain view prints something at least every 2 s, whatever the engine does.
const (
	pollInterval      = 50 * time.Millisecond
	heartbeatInterval = 1900 * time.Millisecond
)

// plainView prints a run where nobody watches it live, such as a CI log: a line for
// each event, and the state of the run when nothing has happened for a while.
type plainView struct {
	buffer     progressBuffer
	activity   string // shown as the phase until the engine reports one
	stop, done chan struct{}
}

func newPlainView(w io.Writer, doing string) *plainView {
	l := &plainView{activity: doing, stop: make(chan struct{}), done: make(chan struct{})}
	go l.run(w)
	return l
}

func (l *plainView) Update(p harness.Progress) { l.buffer.add(p) }
func (l *plainView) Note(s string)             { l.buffer.addNote(s) }

func (l *plainView) Close() {
	close(l.stop)
	<-l.done
}

func (l *plainView) run(w io.Writer) {
	defer close(l.done)
	begun, spoke := time.Now(), time.Now()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-l.stop:
			last = true
		}
		state, _, events, notes := l.buffer.drain()
		for _, n := range notes {
			fmt.Fprintln(w, n)
		}
		for _, e := range events {
			fmt.Fprintln(w, eventLine(e))
		}
		if len(events)+len(notes) > 0 {
			spoke = time.Now()
		}
		if last || time.Since(spoke) < heartbeatInterval {
			continue
		}
		spoke = time.Now()
		if state.Phase == "" {
			state.Phase, state.At = l.activity, time.Since(begun)
		}
		fmt.Fprintln(w, stateLine(state))
	}
}
