package harness

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// chronicle is the part of a run that is written down while it happens: its
// phases, faults and events, in memory, on disk and for those who watch.
type chronicle struct {
	clock history.Clock
	dir   *record.Dir
	watch func(Progress)
	meter *meter

	mu      sync.Mutex
	record  *record.Run
	ends    time.Duration // of the present phase, at the latest
	active  []string      // faults under way, as they say
	saveErr error
}

// now is the offset from the run's start on the monotonic clock.
func (c *chronicle) now() time.Duration { return c.clock.Now() }

// enter ends the present phase and begins another, which is planned to last at most d.
func (c *chronicle) enter(phase string, d time.Duration) {
	c.mu.Lock()
	at := c.now()
	c.endPhase(at)
	c.record.Phases = append(c.record.Phases, record.Phase{Name: phase, From: at, To: record.NotReached})
	c.ends = record.NotReached
	if d != record.NotReached {
		c.ends = at + d
	}
	c.save()
	c.mu.Unlock()
	c.emit(record.Event{Source: record.FromEngine, Kind: "phase", Description: phase})
}

func (c *chronicle) endPhase(at time.Duration) {
	if n := len(c.record.Phases); n > 0 && c.record.Phases[n-1].To == record.NotReached {
		c.record.Phases[n-1].To = at
	}
}

// emit writes an event down, with the present time if it has none.
func (c *chronicle) emit(e record.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.At == 0 {
		e.At = c.now()
	}
	c.record.Events = append(c.record.Events, e)
	if err := c.dir.Event(e); err != nil && c.saveErr == nil {
		c.saveErr = err
	}
	c.show(&e)
}

// say emits an event of the engine itself.
func (c *chronicle) say(kind record.EventKind, format string, args ...any) {
	c.emit(record.Event{Source: record.FromEngine, Kind: kind, Description: fmt.Sprintf(format, args...)})
}

// broke notes that the run ended before its time, and why.
func (c *chronicle) broke(why string) {
	c.mu.Lock()
	c.record.AbortReason = why
	c.save()
	c.mu.Unlock()
	c.say("broken", "%s", why)
}

// change edits the record and saves it.
func (c *chronicle) change(edit func(*record.Run)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	edit(c.record)
	c.save()
}

func (c *chronicle) save() {
	if err := c.dir.Run(c.record); err != nil && c.saveErr == nil {
		c.saveErr = err
	}
}

// begin and end keep the list of faults under way.
func (c *chronicle) begin(says string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = append(c.active, says)
}

func (c *chronicle) end(says string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.active, says); i >= 0 {
		c.active = slices.Delete(c.active, i, i+1)
	}
}

// show tells who watches. It is called with mu held.
func (c *chronicle) show(e *record.Event) {
	if c.watch == nil {
		return
	}
	p := Progress{ID: c.record.ID, At: c.now(), Ends: c.ends, Event: e, Active: slices.Clone(c.active), Rates: c.meter.rates(c.now())}
	if n := len(c.record.Phases); n > 0 {
		p.Phase = c.record.Phases[n-1].Name
	}
	c.watch(p)
}

// tick shows the state ten times a second until the returned stop is called.
func (c *chronicle) tick() (stop func()) {
	if c.watch == nil {
		return func() {}
	}
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		t := time.NewTicker(100 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
				c.mu.Lock()
				c.show(nil)
				c.mu.Unlock()
			}
		}
	})
	return func() { close(quit); done.Wait() }
}
