package main

import (
	"sync"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

// progressBuffer holds the engine's reports until a view has time for them, so that
// a slow terminal never delays a run. It keeps every event and the latest state.
// The zero progressBuffer is empty and ready.
type progressBuffer struct {
	mu     sync.Mutex
	last   harness.Progress
	fresh  bool
	events []record.Event
	notes  []string
}

// add takes in a report of the engine. It does not block.
func (b *progressBuffer) add(p harness.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Event != nil {
		b.events = append(b.events, *p.Event)
	}
	b.last, b.fresh = p, true
}

// addNote takes in a line that the command itself wants to print.
func (b *progressBuffer) addNote(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, s)
}

// drain empties the buffer. Updated is true when the engine has reported since the last call.
func (b *progressBuffer) drain() (last harness.Progress, updated bool, events []record.Event, notes []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, updated, events, notes = b.last, b.fresh, b.events, b.notes
	b.fresh, b.events, b.notes = false, nil, nil
	return last, updated, events, notes
}
