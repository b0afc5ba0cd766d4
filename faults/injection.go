package faults

import (
	"context"
	"errors"
	"sync"
)

// undo is the state that every injection keeps: how to take it away again. The
// zero value is that of an injection that has not been injected.
type undo struct {
	mu       sync.Mutex
	injected bool
	heal     func(context.Context) error // nil before the injection and after a heal
}

// inject does the deed and keeps what undoes it. A Heal that is called meanwhile
// waits, so that it never misses what is still being done.
func (u *undo) inject(do func() (heal func(context.Context) error, err error)) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.injected {
		return errors.New("this injection was injected before; prepare another one")
	}
	heal, err := do()
	if err != nil {
		return err
	}
	u.injected, u.heal = true, heal
	return nil
}

// Heal implements Injection.
func (u *undo) Heal(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.heal == nil {
		return nil
	}
	if err := u.heal(ctx); err != nil {
		return err
	}
	u.heal = nil
	return nil
}
