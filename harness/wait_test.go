package harness

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestPollSaysWhatEndedIt: its own timeout, or the end of the context it was given.
func TestPollSaysWhatEndedIt(t *testing.T) {
	never := func(context.Context) error { return errors.New("it answers") }
	if err := poll(t.Context(), 50*time.Millisecond, never); err == nil || err.Error() != "not within 50 ms: it answers" {
		t.Errorf("timeout: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errHealed)
	err := poll(ctx, 5*time.Second, never)
	if err == nil || strings.Contains(err.Error(), "not within") || !strings.HasSuffix(err.Error(), "of 5 s because the fault was healed: it answers") || !errors.Is(err, errHealed) {
		t.Errorf("context ended: %v", err)
	}
}
