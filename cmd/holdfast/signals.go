package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is why a context ended that a user's Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first SIGINT or SIGTERM ends, after
// say was told. Whoever holds it then heals and cleans. The second signal quits
// the process at once; the run's watchdog removes what is left. Stop gives the
// signals back.
func interruptible(parent context.Context, say func(string)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	sigs := make(chan os.Signal, 2)
	signal.Notify(sigs, os.Interrupt, syscall.SIGTERM)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for asked := false; ; asked = true {
			select {
			case <-done:
				return
			case s := <-sigs:
				if asked {
					say(s.String() + " again: quitting now; the watchdog removes what is left within 10 s")
					os.Exit(130)
				}
				say(s.String() + ": healing faults, removing everything and writing the partial record; again to quit at once")
				cancel(errInterrupted)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(sigs)
		close(done)
		<-ended
		cancel(nil)
	}
}
