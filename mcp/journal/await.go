package journal

import (
	"context"
	"fmt"
	"slices"
)

// waiter is a call that waits for something to become true of a journal. What
// it waits for is looked at by whoever changes the journal: waking all
// calls at each change, to have each look for itself, took more time than the work.
type waiter struct {
	office *office // must last; nil when none is needed
	holds  func() bool
	done   chan error
}

// over says whether the wait has ended, and how; the caller holds the lock.
func (w *waiter) over(j *Journal) (over bool, err error) {
	switch {
	case w.holds():
		return true, nil
	case w.office != nil && j.office != w.office:
		return true, fmt.Errorf("epoch %d is over", w.office.epoch)
	}
	return false, nil
}

// await waits until the condition, which is asked under the lock, holds. It
// fails when the office, if one is given, ends before.
func (j *Journal) await(ctx context.Context, o *office, holds func() bool) error {
	w := &waiter{office: o, holds: holds, done: make(chan error, 1)}
	j.mu.Lock()
	if over, err := w.over(j); over {
		j.mu.Unlock()
		return err
	}
	j.waiting = append(j.waiting, w)
	j.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		j.mu.Lock()
		defer j.mu.Unlock()
		j.waiting = slices.DeleteFunc(j.waiting, func(o *waiter) bool { return o == w })
		return ctx.Err()
	}
}

// wake ends the waits that are over; the caller holds the lock.
func (j *Journal) wake() {
	j.waiting = slices.DeleteFunc(j.waiting, func(w *waiter) bool {
		over, err := w.over(j)
		if over {
			w.done <- err
		}
		return over
	})
}
