package gotest

import "github.com/mcp-resilience/holdfast/harness"

// Window begins a part of the session that has a verdict of its own, for tests that share one
// system. The one before must have been judged.
func (s *Session) Window(name string) *Window {
	s.t.Helper()
	w, err := s.Session.Window(s.ctx, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Window{w, s}
}

// Window is a harness.Window whose verdict and errors fail the test.
type Window struct {
	*harness.Window
	session *Session
}

// Judge ends the window: it reads back what the window wrote, judges the window's part of the
// record, and lets the load of the session go on. A verdict other than the expected one
// fails the test as that of Finish does; the test goes on.
func (w *Window) Judge() *harness.Result {
	s := w.session
	s.t.Helper()
	run, err := w.Window.Judge(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.report("window", run)
	return run
}
