package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// Window is a stretch of a session with a verdict of its own, so that several
// tests can share one system: each has its own faults, its own load on keys that
// no other window uses, and its own baseline.
type Window struct {
	session *Session
	name    string
	number  int
	part    *loadPart
}

// Window begins a window. The one before must have been judged, and no fault may
// be under way. Inject waits for the window's baseline.
func (s *Session) Window(ctx context.Context, name string) (*Window, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("begin window %q: %w", name, context.Cause(ctx))
	}
	if n := s.faults.underWayNow(); n > 0 {
		return nil, fmt.Errorf("begin window %q: %d faults are under way: heal them first", name, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, fmt.Errorf("begin window %q: the session has ended", name)
	case s.window != nil:
		return nil, fmt.Errorf("begin window %q: window %q is open: judge it first", name, s.window.name)
	}
	part, err := s.load.start(s.life)
	if err != nil {
		return nil, fmt.Errorf("begin window %q: %w", name, err)
	}
	s.windows++
	s.window = &Window{session: s, name: name, number: s.windows, part: part}
	s.loaded = part.since
	s.log.notice(record.EventWindow, "%s begins", name)
	return s.window, nil
}

// Judge ends the window: it heals what is still broken, waits until service is
// stable, stops the load, reads back through every node what the window wrote,
// judges the window's part of the record, and lets the load go on. What it finds
// is in a run directory of its own, under windows/ in that of the session.
//
// Accounts and streams live as long as the session: a loss in one of them shows
// in every later window too.
func (w *Window) Judge(ctx context.Context) (result *Result, err error) {
	s := w.session
	s.readingBack.Lock()
	defer s.readingBack.Unlock()
	ctx, cancel := joinContexts(ctx, s.life)
	defer cancel()
	if err := w.claim(); err != nil {
		return nil, err
	}
	_ = s.faults.healAll(ctx) // what failed is on record
	s.faults.wait()
	s.enterTimeline(record.NotReached)
	m := windowMarks{from: w.part.since, observe: s.log.now()}

	timeout := unstableTimeout
	if stable := s.observe(ctx, w.slice(m, nil, scopeLive)); stable {
		timeout = quiesceTimeout
	}
	m.quiesce = s.log.now()
	if err := errors.Join(s.load.stop(), ctx.Err()); err != nil {
		return nil, fmt.Errorf("judge window %q: %w", w.name, err)
	}
	defer func() {
		if s.life.Err() == nil { // the load goes on whatever became of the window
			err = errors.Join(err, w.resume(m))
		}
	}()
	s.load.quiesce(ctx, timeout, w.number)
	s.load.drain(ctx)
	m.readBack = s.log.now()
	s.load.readBack(ctx, finalReads(w.ops(m, s.history.Ops())))
	m.end = s.log.now()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("judge window %q: %w", w.name, context.Cause(ctx))
	}
	if result, err = w.judge(context.WithoutCancel(ctx), m); err != nil {
		return nil, fmt.Errorf("judge window %q: %w", w.name, err)
	}
	s.log.notice(record.EventWindow, "%s came out %s", w.name, result.Result.Verdict)
	return result, nil
}

// claim makes sure that a window is judged once, and only while it is open.
func (w *Window) claim() error {
	s := w.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return fmt.Errorf("judge window %q: the session has ended", w.name)
	case s.window != w:
		return fmt.Errorf("judge window %q: it was judged before", w.name)
	}
	s.window = nil
	return nil
}

// resume lets the load go on, on keys of its own.
func (w *Window) resume(m windowMarks) error {
	s := w.session
	part, err := s.load.start(s.life)
	if err != nil {
		return fmt.Errorf("go on after window %q: %w", w.name, err)
	}
	sending := s.log.now()
	s.mu.Lock()
	s.loaded = part.since
	s.mu.Unlock()
	s.log.change(func(run *record.Run) {
		run.Windows = append(run.Windows, record.Window{
			Name: w.name, From: m.from, To: m.end, Quiet: record.Span{From: m.quiesce, To: sending},
		})
	})
	return nil
}

// windowMarks are the instants that divide a window.
type windowMarks struct {
	from, observe, quiesce, readBack, end time.Duration
}

// ops are the operations that a window is judged by: those of its own load, its
// final reads, and what was done to accounts and streams since the session began.
func (w *Window) ops(m windowMarks, all []history.Op) []history.Op {
	var out []history.Op
	for _, op := range all {
		if w.owns(m, op) {
			out = append(out, op)
		}
	}
	return out
}
