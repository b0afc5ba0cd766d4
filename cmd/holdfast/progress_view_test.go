package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 12340 * time.Millisecond: "12.3s", 62300 * time.Millisecond: "1m02.3s",
		-4 * time.Second: "-4.0s", record.NotReached: "never", time.Hour: "60m00.0s",
	} {
		if got := formatOffset(d); got != want {
			t.Errorf("clock(%v) = %s, want %s", d, got, want)
		}
	}
}

// syncBuffer is a writer that may be read while it is written to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestLinesPrintsEveryEventOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out syncBuffer
	l := newPlainView(&out, "prepare")
	l.Note("runtime local: asked for")
	var want strings.Builder
	want.WriteString("runtime local: asked for\n")
	for i := range 100 {
		e := record.Event{At: time.Duration(i) * time.Second, Source: record.FromFault, Kind: "requested", Node: "east-1", Description: "kill east-1"}
		l.Update(harness.Progress{Phase: record.Faulty, Event: &e})
		l.Update(harness.Progress{Phase: record.Faulty}) // a tick says nothing new
		want.WriteString(eventLine(e) + "\n")
	}
	l.Close()
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// An engine that says nothing at all must not look like one that hangs.
func TestLinesIsNeverSilent(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out syncBuffer
	l := newPlainView(&out, "prepare")
	defer l.Close()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(out.String(), "prepare") {
		if time.Now().After(deadline) {
			t.Fatal("no sign of life")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestPanelShowsTheRun(t *testing.T) {
	p := newTTYPanel("kill-leader · local", false)
	state := harness.Progress{
		At: 12300 * time.Millisecond, Phase: record.Faulty, Ends: 20 * time.Second, Active: []string{"kill east-1"},
		Rates: []harness.Rate{
			{Region: "east", Due: 100, OK: 0},
			{Region: "north", Due: 100, OK: 1, P99: 42 * time.Millisecond},
		},
	}
	for range 2 * repaintsPerCell { // a second
		p.advance(state, true)
	}
	want := `
 kill-leader · local  12.3s   faults  7.7 s left at most
 east             ··    0%   100/s  p99 -
 north            ██  100%   100/s  p99 42 ms
 faults kill east-1
 Ctrl-C heals, cleans and keeps the partial record
`
	if diff := cmp.Diff(want, p.view(56)); diff != "" {
		t.Errorf("panel (-want +got):\n%s", diff)
	}
}

// A frame takes as many lines away as the last one drew, and no line wraps.
func TestFrame(t *testing.T) {
	first := frame{}
	drawn := first.panel("one\nanother that is too long\n", 12)
	next := frame{drawn: drawn}
	next.lines("an event")
	next.panel("one\n", 12)
	if diff := cmp.Diff("\r\x1b[Jone\nanother th…\n", first.String()); diff != "" {
		t.Errorf("first frame (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("\x1b[2A\r\x1b[Jan event\none\n", next.String()); diff != "" {
		t.Errorf("next frame (-want +got):\n%s", diff)
	}
}
