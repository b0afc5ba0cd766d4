package node

import (
	"errors"
	"slices"
)

// stopFunc ends what was started and waits for it.
type stopFunc = func() error

// shutdownStack is how to stop what has been started.
type shutdownStack []stopFunc

// startAll starts one thing after the other. What has nothing to be stopped gives
// no stop. After an error nothing more is started.
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

// stopFunc stops in reverse order.
func (r *shutdownStack) stopAll() error {
	var errs []error
	for _, stop := range slices.Backward(*r) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
