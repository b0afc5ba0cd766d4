package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// guardInterval is how often the guards look.
const guardInterval = 50 * time.Millisecond

// guardError is why a guard stopped the faults.
type guardError string

func (g guardError) Error() string { return string(g) }

// guarded runs the steps until a guard stops them. Then every fault is healed, and the record says why.
func (s *Session) guarded(ctx context.Context, run func(context.Context) error) error {
	if s.plan.Guards.IsZero() {
		return run(ctx)
	}
	inner, stop := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		if reason := s.watchGuards(inner, s.plan.Guards); reason != "" {
			stop(guardError(reason))
		}
	}()
	err := run(inner)
	cause := context.Cause(inner)
	stop(nil)
	<-watching
	if reason, stopped := errors.AsType[guardError](cause); stopped && ctx.Err() == nil {
		s.log.abort(record.GuardStopped + reason.Error())
		return nil
	}
	return err
}

// watchGuards returns why the faults must stop; empty when ctx ended first.
func (s *Session) watchGuards(ctx context.Context, g scenarios.Guards) string {
	begin := s.log.now()
	good := begin // when goodput was last high enough
	seen := len(s.log.snapshot().Events)
	for sleep(ctx, guardInterval) == nil {
		now := s.log.now()
		if g.Duration > 0 && now-begin > g.Duration {
			return "the faults took longer than " + duration.Format(g.Duration)
		}
		if share := s.load.stats.goodput(now, 0, nil); g.Goodput > 0 && share < g.Goodput {
			if now-good >= g.GoodputFor {
				return fmt.Sprintf("for %s less than %.0f %% of all operations were good, in the end %.0f %%", duration.Format(g.GoodputFor), 100*g.Goodput, 100*share)
			}
		} else {
			good = now
		}
		events := s.log.snapshot().Events
		for _, e := range events[seen:] {
			for _, p := range g.Events {
				if p.Matches(e) {
					return "the system reported " + describeEvent(e)
				}
			}
		}
		seen = len(events)
	}
	return ""
}
