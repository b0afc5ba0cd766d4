package node

import (
	"errors"
	"slices"
)

// stopFunc stops what was started, and waits until it has stopped.
type stopFunc = func() error

// shutdownStack holds the stop functions of what has been started.
type shutdownStack []stopFunc

// startAll runs the steps one after the other until one fails. A step may return a nil
// stop function.
func (r *shutdownStack) startAll(steps ...func() (stopFunc, error)) error {
	for _, step := range steps {
		stop, err := step()
		if err != nil {
			return err
		}
		if stop != nil {
			*r = append(*r, stop)
		}
	}
	return nil
}

// stopAll stops in reverse order.
func (r *shutdownStack) stopAll() error {
	var errs []error
	for _, stop := range slices.Backward(*r) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
