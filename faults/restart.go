package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Restart asks the victims to stop (SIGTERM), as for an upgrade, and starts
// them again at heal. One that does not stop within its grace is killed.
type Restart struct{}

// Inject implements Fault.
func (r *Restart) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return hold(ctx, v, cluster.Exited, cluster.Terminate)
}

// FaultImpact implements Fault.
func (r *Restart) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (r *Restart) Describe(v Victims) string {
	return fmt.Sprintf("restart %s", names(v.Cluster.Topology, v.Nodes))
}

// Active implements Prover: every victim has exited.
func (r *Restart) Active(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Exited)
}

// Cleared implements Prover: every victim runs.
func (r *Restart) Cleared(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// ControlUnaffected implements Prover: an untouched node runs.
func (r *Restart) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return running(ctx, v)
}
