package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Kill ends the victims at once, without any clean-up (SIGKILL). They are
// started again at heal with the data they had on disk.
type Kill struct{}

// Inject implements Fault.
func (k *Kill) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return hold(ctx, v, cluster.Exited, cluster.Kill)
}

// FaultImpact implements Fault.
func (k *Kill) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (k *Kill) Describe(v Victims) string {
	return fmt.Sprintf("kill %s", names(v.Cluster.Topology, v.Nodes))
}

// Active implements Prover: every victim has exited.
func (k *Kill) Active(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Exited)
}

// Cleared implements Prover: every victim runs.
func (k *Kill) Cleared(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// ControlUnaffected implements Prover: an untouched node runs.
func (k *Kill) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return running(ctx, v)
}
