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

// Damage implements Fault.
func (r *Restart) Damage(v Victims) topology.Damage { return topology.Damage{Down: ids(v.Nodes)} }

// Says implements Fault.
func (r *Restart) Says(v Victims) string {
	return fmt.Sprintf("restart %s", names(v.Cluster.Topology, v.Nodes))
}

// Felt implements Prover: every victim has exited.
func (r *Restart) Felt(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Exited)
}

// Gone implements Prover: every victim runs.
func (r *Restart) Gone(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// Spared implements Prover: an untouched node runs.
func (r *Restart) Spared(ctx context.Context, v Victims) (string, error) { return running(ctx, v) }
