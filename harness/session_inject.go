package harness

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// Inject injects a fault into the nodes that match on, or into their links to
// those that match to (at most one; without it, to all others), and returns once
// the fault is proved active on the very nodes or links. It waits for the
// baseline before. A role is whoever has it now.
//
// When the fault is not proved within 5 s it is healed, and the error says what
// was observed instead. cluster.Unsupported is in the error of a fault that the
// runtime or the target cannot do. The fault lasts until it is healed, by
// Injection.Heal or when the session ends.
func (s *Session) Inject(ctx context.Context, f faults.Fault, on topology.Selector, to ...topology.Selector) (*Injection, error) {
	step, err := newStep(f, on, to)
	if err != nil {
		return nil, fmt.Errorf("inject: %w", err)
	}
	if err := checkFault(s.system.cluster, f, s.system.topology.Select(on)); err != nil {
		return nil, fmt.Errorf("inject %s: %w", step.Fault, err)
	}
	ctx, cancel := joinContexts(ctx, s.life)
	defer cancel()
	if err := s.Baseline(ctx); err != nil {
		return nil, fmt.Errorf("inject %s: %w", step.Fault, err)
	}
	s.enterTimeline(record.NotReached)
	step = s.addStep(step)
	defer s.saveSteps()
	i, err := s.faults.inject(ctx, step, s.log.now(), record.NotReached)
	if err != nil {
		return nil, fmt.Errorf("inject %s: %w", step.Fault, err)
	}
	select {
	case <-i.active:
	case <-ctx.Done():
		_ = i.Heal(ctx) // what failed is on record
		return nil, fmt.Errorf("inject %s: %w", step.Fault, context.Cause(ctx))
	}
	if err := i.errNotActive(); err != nil {
		return nil, errors.Join(err, i.Heal(ctx))
	}
	return i, nil
}

// newStep describes an injection as the step of a plan.
func newStep(f faults.Fault, on topology.Selector, to []topology.Selector) (scenarios.Step, error) {
	if v := reflect.ValueOf(f); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return scenarios.Step{}, errors.New("no fault is given")
	}
	step := scenarios.Step{Fault: faultName(f), On: on, With: f}
	switch {
	case on.Empty():
		return step, fmt.Errorf("%s: the selector is empty, which matches no node", step.Fault)
	case len(to) > 1:
		return step, fmt.Errorf("%s: %d selectors for the other side, at most one is allowed", step.Fault, len(to))
	case len(to) == 1:
		step.To = to[0]
	}
	if v, ok := f.(faults.Validator); ok {
		if err := v.Validate(); err != nil {
			return step, fmt.Errorf("%s: %w", step.Fault, err)
		}
	}
	return step, nil
}

// faultName is the fault's name in the catalogue, or one made of its type's name.
func faultName(f faults.Fault) string {
	if e, ok := catalogued(f); ok {
		return e.Name
	}
	t := reflect.TypeOf(f)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.ToLower(t.Name())
}

// addStep gives a step its id, its episode and its randomness, and adds it to the plan.
func (s *Session) addStep(step scenarios.Step) scenarios.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	step.ID = fmt.Sprintf("%d-%s", len(s.plan.Steps)+1, step.Fault)
	step.Episode = max(1, s.windows)
	step.Seed = s.plan.DeriveSeed(step.ID)
	step.At = s.log.now() - s.timeline
	s.plan.Steps = append(s.plan.Steps, step)
	return step
}
