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

// Damage implements Fault.
func (k *Kill) Damage(v Victims) topology.Damage { return topology.Damage{Down: ids(v.Nodes)} }

// Says implements Fault.
func (k *Kill) Says(v Victims) string {
	return fmt.Sprintf("kill %s", names(v.Cluster.Topology, v.Nodes))
}

// Felt implements Prover: every victim has exited.
func (k *Kill) Felt(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Exited)
}

// Gone implements Prover: every victim runs.
func (k *Kill) Gone(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// Spared implements Prover: an untouched node runs.
func (k *Kill) Spared(ctx context.Context, v Victims) (string, error) { return running(ctx, v) }
