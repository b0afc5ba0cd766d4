package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Pause stops the victims (SIGSTOP or the engine's freezer): they keep their
// connections and their memory, answer nothing, and go on at heal as if no time
// had passed.
type Pause struct{}

// Prepare implements Fault.
func (p *Pause) Prepare(v Victims) Injection {
	return &pauseInjection{processInjection{victims: v, state: cluster.Paused, signal: cluster.Pause}}
}

// Impact implements Fault.
func (p *Pause) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (p *Pause) Describe(v Victims) string {
	return fmt.Sprintf("pause %s", names(v.Cluster.Topology, v.Nodes))
}

type pauseInjection struct{ processInjection }

// Active implements Verifier: the runtime reports every victim as paused before
// and after a time in which no port of any victim answered.
func (p *pauseInjection) Active(ctx context.Context) (string, error) {
	if _, err := p.processInjection.Active(ctx); err != nil {
		return "", err
	}
	if err := forAll(p.victims.Nodes, func(_ int, n topology.Node) error { return unresponsive(ctx, p.victims, n) }); err != nil {
		return "", err
	}
	observed, err := p.processInjection.Active(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, and no answer for %v", observed, unresponsiveTime), nil
}
