package main

import (
	"fmt"
	"io"
	"time"

	"github.com/mcp-resilience/holdfast/harness"
)

// The longest time for which lines is silent is below 2 s, whatever the engine does.
const (
	lookEvery  = 50 * time.Millisecond
	speakEvery = 1900 * time.Millisecond
)

// lines is the face of a run where nobody watches live: a line an event, and
// the state of the run when nothing happened for a while.
type lines struct {
	box         inbox
	doing       string // while the engine has said nothing
	stop, ended chan struct{}
}

func newLines(w io.Writer, doing string) *lines {
	l := &lines{doing: doing, stop: make(chan struct{}), ended: make(chan struct{})}
	go l.print(w)
	return l
}

func (l *lines) Tell(p harness.Progress) { l.box.put(p) }
func (l *lines) Note(s string)           { l.box.note(s) }

func (l *lines) Close() {
	close(l.stop)
	<-l.ended
}

func (l *lines) print(w io.Writer) {
	defer close(l.ended)
	begun, spoke := time.Now(), time.Now()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-l.stop:
			last = true
		}
		state, _, events, notes := l.box.take()
		for _, n := range notes {
			fmt.Fprintln(w, n)
		}
		for _, e := range events {
			fmt.Fprintln(w, eventLine(e))
		}
		if len(events)+len(notes) > 0 {
			spoke = time.Now()
		}
		if last || time.Since(spoke) < speakEvery {
			continue
		}
		spoke = time.Now()
		if state.Phase == "" {
			state.Phase, state.At = l.doing, time.Since(begun)
		}
		fmt.Fprintln(w, stateLine(state))
	}
}
