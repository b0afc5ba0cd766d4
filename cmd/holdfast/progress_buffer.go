package main

import (
	"sync"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

// progressBuffer holds what the engine told until a face has time for it, so that a
// slow terminal never holds up a run. Every event is kept, of the rest only
// the latest state. The zero inbox is empty and ready.
type progressBuffer struct {
	mu     sync.Mutex
	last   harness.Progress
	fresh  bool
	events []record.Event
	notes  []string
}

// add takes in the engine's news; it does not block.
func (b *progressBuffer) add(p harness.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Event != nil {
		b.events = append(b.events, *p.Event)
	}
	b.last, b.fresh = p, true
}

// addNote takes in a line of the command's own.
func (b *progressBuffer) addNote(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, s)
}

// drain empties the inbox. Heard says whether the engine spoke since the last time.
func (b *progressBuffer) drain() (last harness.Progress, heard bool, events []record.Event, notes []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, heard, events, notes = b.last, b.fresh, b.events, b.notes
	b.fresh, b.events, b.notes = false, nil, nil
	return last, heard, events, notes
}
