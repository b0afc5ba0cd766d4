// Package faultstest is the conformance suite of faults. It holds every fault to
// what package faults promises: it has its effect once it is injected and not
// before, it leaves its control unaffected, the effect is gone once it is healed,
// whatever else is going on; and its proofs fail when it is not injected, not
// healed, or injected into others.
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

const (
	// proofTimeout is when a proof that must come counts as missing. It is generous.
	proofTimeout = 15 * time.Second
	// absentTimeout is how long a proof that must not come is waited for, beyond
	// what it takes when it does come.
	absentTimeout = 800 * time.Millisecond
)

// Stages of a lifecycle, as errors name them.
const (
	beforeStage  = "active before it was injected"
	injectStage  = "inject"
	activeStage  = "active"
	controlStage = "control unaffected"
	healStage    = "heal"
	againStage   = "heal again"
	clearedStage = "cleared"
	afterStage   = "active after it was healed"
)

// stageError is the stage of a lifecycle that went wrong.
type stageError struct {
	stage string
	err   error
}

func (s stageError) Error() string { return fmt.Sprintf("%s: %v", s.stage, s.err) }

// lifecycle injects, proves and heals a fault and returns the stage that went
// wrong. The context it injects with is cancelled by the time it heals.
func lifecycle(ctx context.Context, f faults.Fault, v faults.Victims) (observed string, err error) {
	injection := f.Prepare(v)
	if observed, err := injection.Active(ctx); err == nil {
		return "", stageError{beforeStage, errors.New(observed)}
	}
	run, end := context.WithCancel(ctx)
	defer end()
	if err := injection.Inject(run); err != nil {
		return "", stageError{injectStage, err}
	}
	healed := false
	defer func() {
		if !healed {
			_ = injection.Heal(context.WithoutCancel(ctx))
		}
	}()
	timeout := func(stage string) time.Duration {
		if d, ok := f.(defect); ok && d.failsAt() == stage {
			takes, _ := faults.Shortest(d.of(), 20*time.Millisecond)
			return absentTimeout + takes
		}
		return proofTimeout
	}
	if observed, err = eventually(ctx, timeout(activeStage), injection.Active); err != nil {
		return "", stageError{activeStage, err}
	}
	if _, err := eventually(ctx, timeout(controlStage), func(ctx context.Context) (string, error) {
		return injection.ControlUnaffected(ctx, nil)
	}); err != nil {
		return "", stageError{controlStage, err}
	}
	end()
	if err := injection.Heal(ctx); err != nil {
		return "", stageError{healStage, err}
	}
	healed = true
	if _, err := eventually(ctx, timeout(clearedStage), injection.Cleared); err != nil {
		return "", stageError{clearedStage, err}
	}
	if err := injection.Heal(ctx); err != nil {
		return "", stageError{againStage, err}
	}
	if observed, err := injection.Active(ctx); err == nil {
		return "", stageError{afterStage, errors.New(observed)}
	}
	return observed, nil
}

// eventually repeats a proof until it comes, and returns what is missing in the end.
func eventually(ctx context.Context, timeout time.Duration, proof func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	for {
		observed, err := proof(ctx)
		if err == nil {
			return observed, nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // an interrupted measurement would hide what the others lacked
		}
		select {
		case <-ctx.Done():
			return "", last
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// defect is a fault that does not do what it promises, and the stage at which
// that must be found out.
type defect interface {
	faults.Fault
	of() faults.Fault // without the defect
	failsAt() string
}

// noInjection is a fault that is never injected.
type noInjection struct{ faults.Fault }

func (noInjection) failsAt() string    { return activeStage }
func (n noInjection) of() faults.Fault { return n.Fault }

func (n noInjection) Prepare(v faults.Victims) faults.Injection {
	return notInjected{n.Fault.Prepare(v)}
}

type notInjected struct{ faults.Injection }

func (notInjected) Inject(context.Context) error { return nil }

// noHeal is a fault that is not taken away. Leftover is what would do it.
type noHeal struct {
	faults.Fault
	leftover *func(context.Context) error
}

func (noHeal) failsAt() string    { return clearedStage }
func (n noHeal) of() faults.Fault { return n.Fault }

func (n noHeal) Prepare(v faults.Victims) faults.Injection {
	i := n.Fault.Prepare(v)
	*n.leftover = i.Heal
	return notHealed{i}
}

type notHealed struct{ faults.Injection }

func (notHealed) Heal(context.Context) error { return nil }

// tooMuch is a fault that is not only for its victims: it takes down every node,
// or affects every link.
type tooMuch struct{ faults.Fault }

func (tooMuch) failsAt() string    { return controlStage }
func (m tooMuch) of() faults.Fault { return m.Fault }

func (m tooMuch) Prepare(v faults.Victims) faults.Injection {
	i := m.Fault.Prepare(v)
	if d, ofLinks := m.Fault.(faults.LinkFault); ofLinks {
		e := links.Effect{Latency: 600 * time.Millisecond}
		if len(m.Impact(v).CutFlows) > 0 {
			e = links.Effect{Cut: links.Hold}
		}
		return &moreLinks{Injection: i, victims: v, flows: unaffected(v.Cluster.Topology, d.Flows(v)), effect: e}
	}
	victims := v.Nodes
	v.Nodes = slices.DeleteFunc(slices.Clone(v.Cluster.Topology.Nodes), func(n topology.Node) bool {
		return slices.ContainsFunc(victims, func(victim topology.Node) bool { return victim.ID == n.ID })
	})
	v.ID += "-more"
	return moreNodes{i, m.Fault.Prepare(v)}
}

// moreNodes is proved for its victims and injected into the other nodes as well, which may be idle.
type moreNodes struct {
	faults.Injection
	others faults.Injection
}

func (m moreNodes) Inject(ctx context.Context) error {
	return errors.Join(m.Injection.Inject(ctx), m.others.Inject(ctx))
}

func (m moreNodes) Heal(ctx context.Context) error {
	return errors.Join(m.others.Heal(ctx), m.Injection.Heal(ctx))
}

// moreLinks affects the other links too.
type moreLinks struct {
	faults.Injection
	victims faults.Victims
	flows   []topology.Flow
	effect  links.Effect
	heal    func(context.Context) error
}

func (m *moreLinks) Inject(ctx context.Context) (err error) {
	if err := m.Injection.Inject(ctx); err != nil {
		return err
	}
	m.heal, err = m.victims.Cluster.Links.ApplyEffect(ctx, m.victims.ID+"-more", m.flows, m.effect)
	if err != nil {
		return errors.Join(err, m.Injection.Heal(ctx))
	}
	return nil
}

func (m *moreLinks) Heal(ctx context.Context) error {
	if m.heal == nil {
		return m.Injection.Heal(ctx)
	}
	return errors.Join(m.heal(ctx), m.Injection.Heal(ctx))
}

// unaffected is every flow of the topology on links that are not affected.
func unaffected(t topology.Topology, affected []topology.Flow) []topology.Flow {
	var out []topology.Flow
	for _, l := range t.Links() {
		if !slices.ContainsFunc(affected, func(f topology.Flow) bool { return f.Link == l }) {
			out = append(out, topology.Flow{Link: l, Direction: topology.BothWays})
		}
	}
	return out
}
