package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Pause stops the clock of the victims: they hold their connections and their
// memory, answer nothing, and go on at heal as if no time had passed.
type Pause struct{}

// Inject implements Fault.
func (p *Pause) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return hold(ctx, v, cluster.Paused, cluster.Pause)
}

// FaultImpact implements Fault.
func (p *Pause) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (p *Pause) Describe(v Victims) string {
	return fmt.Sprintf("pause %s", names(v.Cluster.Topology, v.Nodes))
}

// Active implements Prover: every victim is said to be paused, before and after
// a time in which nothing came from any of its ports.
func (p *Pause) Active(ctx context.Context, v Victims) (string, error) {
	if _, err := are(ctx, v, v.Nodes, cluster.Paused); err != nil {
		return "", err
	}
	if err := each(v.Nodes, func(_ int, n topology.Node) error { return mute(ctx, v, n) }); err != nil {
		return "", err
	}
	saw, err := are(ctx, v, v.Nodes, cluster.Paused)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, and silent for %v", saw, listening), nil
}

// Cleared implements Prover: every victim runs.
func (p *Pause) Cleared(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// ControlUnaffected implements Prover: an untouched node runs.
func (p *Pause) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return running(ctx, v)
}
