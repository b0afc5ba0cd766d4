package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
)

// pollInterval is how often a condition that the engine waits for is asked for.
const pollInterval = 10 * time.Millisecond

// sleep waits, or returns the reason why ctx ended before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// poll calls f every pollInterval until it returns nil. Otherwise it returns
// f's last error and whether the timeout or the end of ctx put an end to the waiting.
func poll(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	began := time.Now()
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		err := f(inner)
		if err == nil {
			return nil
		}
		if sleep(inner, pollInterval) == nil {
			continue
		}
		if ctx.Err() != nil {
			waited := duration.Format(time.Since(began))
			return fmt.Errorf("stopped after %s of %s because %w: %w", waited, duration.Exact(timeout), context.Cause(ctx), err)
		}
		return fmt.Errorf("not within %s: %w", duration.Exact(timeout), err)
	}
}

// endsWithin reports whether done is closed within the timeout.
func endsWithin(done <-chan struct{}, timeout time.Duration) bool {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// joinContexts returns ctx, ended by the end of other as well.
func joinContexts(ctx, other context.Context) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return joined, func() { stop(); cancel(nil) }
}
