package primarybackup

import (
	"context"
	"fmt"
	"slices"
)

// waiter is a call that waits until a condition of a journal is true. Whoever
// changes the journal checks the condition: waking all calls at each change, so
// that each checks its own, took more time than the work itself.
type waiter struct {
	term      *primaryTerm // the wait fails when this term ends; nil: no term is needed
	condition func() bool  // called with the lock held
	done      chan error
}

// finished reports whether the wait has ended, and with which error. The caller
// holds the lock.
func (w *waiter) finished(j *Journal) (done bool, err error) {
	switch {
	case w.condition():
		return true, nil
	case w.term != nil && j.term != w.term:
		return true, fmt.Errorf("the term of epoch %d has ended", w.term.epoch)
	}
	return false, nil
}

// await waits until the condition, which is called with the lock held, is true.
// It fails when the term, if one is given, ends first.
func (j *Journal) await(ctx context.Context, term *primaryTerm, condition func() bool) error {
	w := &waiter{term: term, condition: condition, done: make(chan error, 1)}
	j.mu.Lock()
	if done, err := w.finished(j); done {
		j.mu.Unlock()
		return err
	}
	j.waiters = append(j.waiters, w)
	j.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		j.mu.Lock()
		defer j.mu.Unlock()
		j.waiters = slices.DeleteFunc(j.waiters, func(other *waiter) bool { return other == w })
		return ctx.Err()
	}
}

// wakeWaiters returns from every await whose wait has ended. The caller holds the lock.
func (j *Journal) wakeWaiters() {
	j.waiters = slices.DeleteFunc(j.waiters, func(w *waiter) bool {
		done, err := w.finished(j)
		if done {
			w.done <- err
		}
		return done
	})
}
