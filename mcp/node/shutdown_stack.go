package node

import (
	"errors"
	"slices"
)

// stop ends what was started and waits for it.
type stop = func() error

// running is how to stop what has been started.
type running []stop

// start starts one thing after the other. What has nothing to be stopped gives
// no stop. After an error nothing more is started.
func (r *running) start(steps ...func() (stop, error)) error {
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

// stop stops in reverse order.
func (r *running) stop() error {
	var errs []error
	for _, stop := range slices.Backward(*r) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
