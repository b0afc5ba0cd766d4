package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestFirstInterruptEndsTheContextAndSaysSo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself on Windows")
	}
	defer goleak.VerifyNone(t)
	said := make(chan string, 1)
	ctx, stop := interruptible(t.Context(), func(s string) { said <- s })
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the context goes on")
	}
	if got := context.Cause(ctx); !errors.Is(got, errInterrupted) {
		t.Errorf("cause %v, want %v", got, errInterrupted)
	}
	if got := <-said; got == "" {
		t.Error("nothing was said")
	}
}

func TestStopGivesTheSignalsBack(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, stop := interruptible(t.Context(), func(string) {})
	stop()
	if ctx.Err() == nil {
		t.Error("the context outlives stop")
	}
}
