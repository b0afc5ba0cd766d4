package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context that the first SIGINT or SIGTERM ends, after a
// line has been passed to print. The caller then heals and cleans up. The second
// signal ends the process at once, and the run's watchdog removes what is left.
// Stop restores the default handling of the signals.
func interruptible(parent context.Context, print func(string)) (ctx context.Context, stop func()) {
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
					print(s.String() + " again: quitting now; the watchdog removes what is left within 10 s")
					os.Exit(exitInterrupted)
				}
				print(s.String() + ": healing faults, removing the system and writing the partial record; interrupt again to quit at once")
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
