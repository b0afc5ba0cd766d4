package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Restart asks the victims to stop (SIGTERM), as for an upgrade, and starts
// them again at heal. A victim that does not stop within its grace is killed.
type Restart struct{}

// Prepare implements Fault.
func (r *Restart) Prepare(v Victims) Injection {
	return &processInjection{victims: v, state: cluster.Exited, signal: cluster.Terminate}
}

// Impact implements Fault.
func (r *Restart) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (r *Restart) Describe(v Victims) string {
	return fmt.Sprintf("restart %s", names(v.Cluster.Topology, v.Nodes))
}
