package gotest

import (
	"sync"
	"testing"

	"github.com/mcp-resilience/holdfast/harness"
)

// eventLog writes a session's events to the test's log until the test ends. A
// later line would be a panic.
type eventLog struct {
	t testing.TB

	mu     sync.Mutex
	closed bool
}

func (l *eventLog) show(p harness.Progress) {
	if p.Event == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := p.Event; !l.closed {
		l.t.Logf("%8.3fs %-8s %s%s %s: %s", e.At.Seconds(), e.Source, e.Node, e.Region, e.Kind, e.Description)
	}
}

func (l *eventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}
