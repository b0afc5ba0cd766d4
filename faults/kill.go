package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Kill ends the victims at once, without any clean-up (SIGKILL). They are
// started again at heal with the data they had on disk.
type Kill struct{}

// Prepare implements Fault.
func (k *Kill) Prepare(v Victims) Injection {
	return &processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill}
}

// Impact implements Fault.
func (k *Kill) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (k *Kill) Describe(v Victims) string {
	return fmt.Sprintf("kill %s", names(v.Cluster.Topology, v.Nodes))
}
