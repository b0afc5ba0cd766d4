package harness

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// runLog is the recorder of a run: its phases, events and faults as they
// happen. They are kept in memory under one lock, under which nothing waits for
// a disk or for anybody who watches: a goroutine of its own writes them to the
// run's directory, and the progress feed has a queue.
type runLog struct {
	clock    history.Clock
	dir      *record.Dir
	progress *progressFeed
	onEvent  func(record.Event) // called with the lock held, for each event on record; nil: nobody listens

	mu      sync.Mutex
	run     *record.Run
	written int   // events that are in the file
	changed bool  // run.json is older than run
	closed  bool  // nothing is recorded any more
	err     error // the first error of writing

	wake chan struct{} // there is something to write
	done chan struct{} // closed when the writer has ended
}

func newRunLog(clock history.Clock, dir *record.Dir, run *record.Run, progress *progressFeed) *runLog {
	l := &runLog{
		clock: clock, dir: dir, progress: progress, run: run,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go l.write()
	return l
}

// now is the offset from the run's start on the monotonic clock.
func (l *runLog) now() time.Duration { return l.clock.Now() }

// enter ends the present phase and begins another, which is planned to last at most d.
func (l *runLog) enter(phase string, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	l.endPhase(at)
	l.run.Phases = append(l.run.Phases, record.Phase{Name: phase, From: at, To: record.NotReached})
	ends := record.NotReached
	if d != record.NotReached {
		ends = at + d
	}
	l.progress.setPhase(phase, ends)
	l.changed = true
	l.append(record.Event{At: at, Source: record.FromEngine, Kind: record.EventPhase, Description: phase})
}

func (l *runLog) endPhase(at time.Duration) {
	if n := len(l.run.Phases); n > 0 && l.run.Phases[n-1].To == record.NotReached {
		l.run.Phases[n-1].To = at
	}
}

// emit records an event, at the present time if it has none.
func (l *runLog) emit(e record.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.At == 0 {
		e.At = l.now()
	}
	l.append(e)
}

// append is called with the lock held. An event that comes after the log is
// closed, from a source that did not end in time, is dropped.
func (l *runLog) append(e record.Event) {
	if l.closed {
		return
	}
	l.run.Events = append(l.run.Events, e)
	if l.onEvent != nil {
		l.onEvent(e)
	}
	if !l.progress.event(e) {
		l.run.Events = append(l.run.Events, record.Event{
			At: l.now(), Source: record.FromEngine, Kind: record.EventNotice,
			Description: fmt.Sprintf("whoever watches this run is %d events behind: further events are recorded and not shown until it has caught up", maxQueuedEvents),
		})
	}
	l.wakeWriter()
}

// notice records an event of the engine itself.
func (l *runLog) notice(kind record.EventKind, format string, args ...any) {
	l.emit(record.Event{Source: record.FromEngine, Kind: kind, Description: fmt.Sprintf(format, args...)})
}

// abort records that the run ended before its time, and why. The first reason stays.
func (l *runLog) abort(reason string) {
	l.change(func(run *record.Run) {
		if run.AbortReason == "" {
			run.AbortReason = reason
		}
	})
	l.notice(record.EventAborted, "%s", reason)
}

// change edits the record and has it saved. Edit replaces slices and maps
// instead of changing what they hold, except by appending.
func (l *runLog) change(edit func(*record.Run)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	edit(l.run)
	l.changed = true
	l.wakeWriter()
}

// snapshot returns the record as it is now, without its operations.
func (l *runLog) snapshot() record.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.copyRun()
}

func (l *runLog) copyRun() record.Run {
	run := *l.run
	run.Phases, run.Faults = slices.Clone(run.Phases), slices.Clone(run.Faults)
	run.LoadPhases = slices.Clone(run.LoadPhases)
	run.Matrices, run.Versions = slices.Clone(run.Matrices), maps.Clone(run.Versions)
	run.Events = run.Events[:len(run.Events):len(run.Events)]
	return run
}

func (l *runLog) wakeWriter() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write is the goroutine that brings the directory up to date.
func (l *runLog) write() {
	defer close(l.done)
	for range l.wake {
		l.mu.Lock()
		run, from, changed, closed := l.copyRun(), l.written, l.changed, l.closed
		l.written, l.changed = len(run.Events), false
		l.mu.Unlock()
		for _, e := range run.Events[from:] {
			l.keep(l.dir.Event(e))
		}
		if changed {
			l.keep(l.dir.Run(&run))
		}
		if closed {
			return
		}
	}
}

func (l *runLog) keep(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// close ends the present phase and the recording, after a last edit, and
// returns the first error of writing it.
func (l *runLog) close(last func(*record.Run)) error {
	l.mu.Lock()
	if !l.closed {
		l.endPhase(l.now())
		last(l.run)
		l.changed, l.closed = true, true
		l.wakeWriter()
	}
	l.mu.Unlock()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
