package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Growing is a fault of links that can be injected in equal parts: n of its Part(n) are the whole.
type Growing interface {
	Fault
	LinkFault
	Part(n int) Fault
}

// Part implements Growing: the delays of effects on a link add up.
func (l *Latency) Part(n int) Fault {
	part := *l
	part.Delay, part.Jitter = l.Delay/time.Duration(n), l.Jitter/time.Duration(n)
	return &part
}

// Ramp is a fault that grows evenly from nothing to its whole strength over a time, and stays there until
// it is healed. It is active once it has its whole strength.
type Ramp struct {
	Fault Growing
	Over  time.Duration
}

// A ramp grows in steps of rampInterval, of which there are between two and maxRampParts.
const (
	rampInterval = 250 * time.Millisecond
	maxRampParts = 20
)

func (r Ramp) parts() int { return min(max(2, int(r.Over/rampInterval)), maxRampParts) }

// Prepare implements Fault.
func (r Ramp) Prepare(v Victims) Injection {
	out := &rampInjection{whole: r.Fault.Prepare(v), interval: r.Over / time.Duration(r.parts()-1)}
	for k := range r.parts() {
		part := v
		part.ID, part.Seed = fmt.Sprintf("%s~%d", v.ID, k+1), v.Seed+uint64(k)
		out.parts = append(out.parts, r.Fault.Part(r.parts()).Prepare(part))
	}
	return out
}

// Impact implements Fault.
func (r Ramp) Impact(v Victims) topology.FaultImpact { return r.Fault.Impact(v) }

// Flows implements LinkFault.
func (r Ramp) Flows(v Victims) []topology.Flow { return r.Fault.Flows(v) }

// Describe implements Fault.
func (r Ramp) Describe(v Victims) string {
	return fmt.Sprintf("%s, growing over %v", r.Fault.Describe(v), r.Over)
}

// rampInjection injects the parts one after the other, and measures the whole.
type rampInjection struct {
	whole    Injection // never injected
	parts    []Injection
	interval time.Duration

	mu    sync.Mutex
	begun int   // parts that are in force
	err   error // why it does not grow any more
	stop  context.CancelFunc
	done  chan struct{} // closed when it has stopped growing
}

// Inject injects the first part and begins to grow. The fault grows on after ctx has ended, until Heal.
func (r *rampInjection) Inject(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.parts[0].Inject(ctx); err != nil {
		return err
	}
	r.begun = 1
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop, r.done = stop, make(chan struct{})
	go r.grow(life)
	return nil
}

func (r *rampInjection) grow(ctx context.Context) {
	defer close(r.done)
	begin := time.Now()
	for k := 1; k < len(r.parts); k++ {
		next := time.NewTimer(time.Until(begin.Add(time.Duration(k) * r.interval)))
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
		err := r.parts[k].Inject(ctx)
		r.mu.Lock()
		if r.err = err; err == nil {
			r.begun = k + 1
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Heal implements Injection.
func (r *rampInjection) Heal(ctx context.Context) error {
	r.mu.Lock()
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	<-done
	var errs []error
	for _, p := range r.parts {
		errs = append(errs, p.Heal(ctx)) // which does nothing for one that is not in force
	}
	return errors.Join(errs...)
}

// Active implements Verifier: the fault has its whole strength.
func (r *rampInjection) Active(ctx context.Context) (string, error) {
	r.mu.Lock()
	begun, err := r.begun, r.err
	r.mu.Unlock()
	switch {
	case err != nil:
		return "", fmt.Errorf("it stopped growing at %d of %d parts: %w", begun, len(r.parts), err)
	case begun > 0 && begun < len(r.parts):
		return "", fmt.Errorf("it is still growing: %d of %d parts are in force", begun, len(r.parts))
	}
	return r.whole.Active(ctx)
}

// Cleared implements Verifier.
func (r *rampInjection) Cleared(ctx context.Context) (string, error) { return r.whole.Cleared(ctx) }

// ControlUnaffected implements Verifier.
func (r *rampInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	return r.whole.ControlUnaffected(ctx, others)
}
