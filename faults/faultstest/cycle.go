// Package faultstest holds every fault to what faults promises: it is felt
// when it is injected and not before, it spares its neighbours, it is gone
// when it is healed, whatever else is going on; and its proofs turn red when
// the deed is not done, not undone, or done to others.
package faultstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// Limits of one proof. They are generous: they say when a proof will not come.
const (
	soon = 15 * time.Second
	// look is how long a proof that must not come is waited for.
	look = 800 * time.Millisecond
)

// Stages of a cycle, as errors name them.
const (
	before = "felt before it was injected"
	inject = "inject"
	felt   = "felt"
	spared = "spared"
	heal   = "heal"
	again  = "heal again"
	gone   = "gone"
	after  = "felt after it was healed"
)

// stage is the stage of a cycle that did not go as it must.
type stage struct {
	name string
	err  error
}

func (s stage) Error() string { return fmt.Sprintf("%s: %v", s.name, s.err) }

// cycle takes a fault through its life and returns the stage that went wrong.
// The context it injects with is dead by the time it heals.
func cycle(ctx context.Context, f faults.Fault, v faults.Victims) (saw string, err error) {
	if saw, err := f.Active(ctx, v); err == nil {
		return "", stage{before, errors.New(saw)}
	}
	run, end := context.WithCancel(ctx)
	defer end()
	undo, err := f.Inject(run, v)
	if err != nil {
		return "", stage{inject, err}
	}
	healed := false
	defer func() {
		if !healed {
			_ = undo(context.WithoutCancel(ctx))
		}
	}()
	limit := func(stage string) time.Duration {
		if l, ok := f.(liar); ok && l.fails() == stage {
			return look
		}
		return soon
	}
	if saw, err = eventually(ctx, limit(felt), v, f.Active); err != nil {
		return "", stage{felt, err}
	}
	if _, err := eventually(ctx, limit(spared), v, f.ControlUnaffected); err != nil {
		return "", stage{spared, err}
	}
	end()
	if err := undo(ctx); err != nil {
		return "", stage{heal, err}
	}
	healed = true
	if _, err := eventually(ctx, limit(gone), v, f.Cleared); err != nil {
		return "", stage{gone, err}
	}
	if err := undo(ctx); err != nil {
		return "", stage{again, err}
	}
	if saw, err := f.Active(ctx, v); err == nil {
		return "", stage{after, errors.New(saw)}
	}
	return saw, nil
}

// eventually repeats a proof until it comes, and returns what it lacks in the end.
func eventually(ctx context.Context, limit time.Duration, v faults.Victims, proof func(context.Context, faults.Victims) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		saw, err := proof(ctx, v)
		if err == nil {
			return saw, nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // one that was broken off says nothing
		}
		select {
		case <-ctx.Done():
			return "", last
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// liar is a fault that does not do what it says, and the stage at which that
// must come out.
type liar interface {
	faults.Fault
	fails() string
}

// noInjection is a fault that is never injected.
type noInjection struct{ faults.Fault }

func (noInjection) fails() string { return felt }

func (noInjection) Inject(context.Context, faults.Victims) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}

// noHeal is a fault that is not taken away; kept is what would.
type noHeal struct {
	faults.Fault
	kept *func(context.Context) error
}

func (noHeal) fails() string { return gone }

func (n noHeal) Inject(ctx context.Context, v faults.Victims) (func(context.Context) error, error) {
	undo, err := n.Fault.Inject(ctx, v)
	*n.kept = undo
	return func(context.Context) error { return nil }, err
}

// tooMuch is a fault that is not only for its victims: it takes down every
// node, or disturbs every link.
type tooMuch struct{ faults.Fault }

func (tooMuch) fails() string { return spared }

func (m tooMuch) Inject(ctx context.Context, v faults.Victims) (func(context.Context) error, error) {
	d, ofLinks := m.Fault.(faults.LinkFault)
	if !ofLinks {
		v.Nodes = v.Cluster.Topology.Nodes
		return m.Fault.Inject(ctx, v)
	}
	e := links.Effect{Latency: 400 * time.Millisecond}
	if len(m.Impact(v).CutFlows) > 0 {
		e = links.Effect{Cut: links.Hold}
	}
	undo, err := m.Fault.Inject(ctx, v)
	if err != nil {
		return nil, err
	}
	more, err := v.Cluster.Links.ApplyEffect(ctx, v.ID+"-more", others(v.Cluster.Topology, d.Flows(v)), e)
	if err != nil {
		return nil, errors.Join(err, undo(ctx))
	}
	return func(ctx context.Context) error { return errors.Join(more(ctx), undo(ctx)) }, nil
}

// others is all that is not disturbed.
func others(t topology.Topology, disturbed []topology.Flow) []topology.Flow {
	var out []topology.Flow
	for _, l := range t.Links() {
		if !slices.ContainsFunc(disturbed, func(s topology.Flow) bool { return s.Link == l }) {
			out = append(out, topology.Flow{Link: l, Direction: topology.BothWays})
		}
	}
	return out
}
