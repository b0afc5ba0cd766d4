package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// DiskFull lets the victims write nothing any more (ENOSPC); they can still read,
// sync and remove. A victim that exits of it is started again at heal. No disk of
// this machine is filled.
type DiskFull struct{}

// Requires implements CapabilityChecker: there is a layer between the node and its disk.
func (d *DiskFull) Requires(p cluster.Process) error {
	_, err := cluster.DiskFaulterOf(p)
	return err
}

// Prepare implements Fault.
func (d *DiskFull) Prepare(v Victims) Injection {
	return &diskInjection{
		victims: v, fault: cluster.DiskFault{Full: true},
		count: func(c cluster.DiskCounts) int { return c.Refused }, what: "writes refused for want of space",
	}
}

// Impact implements Fault. A node that cannot write keeps nothing that it is told, so
// it counts as down.
func (d *DiskFull) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (d *DiskFull) Describe(v Victims) string {
	return fmt.Sprintf("fill the disk of %s", names(v.Cluster.Topology, v.Nodes))
}
