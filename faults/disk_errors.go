package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// DiskErrors makes a share of the reads, writes and syncs of the victims fail (EIO). A
// victim that exits of it is started again at heal.
type DiskErrors struct {
	// Percent is how many of a hundred fail, drawn from the seed of the step, between
	// 1 and 100. It must be given.
	Percent float64 `json:"percent" yaml:"percent"`
}

// Validate implements Validator.
func (d *DiskErrors) Validate() error {
	if !(d.Percent >= 1 && d.Percent <= 100) {
		return InvalidField{Field: "percent", Message: "must be between 1 and 100"}
	}
	return nil
}

// Requires implements CapabilityChecker: there is a layer between the node and its disk.
func (d *DiskErrors) Requires(p cluster.Process) error {
	_, err := cluster.DiskFaulterOf(p)
	return err
}

// Prepare implements Fault.
func (d *DiskErrors) Prepare(v Victims) Injection {
	return &diskInjection{
		victims: v, fault: cluster.DiskFault{ErrorShare: d.Percent / 100, Seed: v.Seed},
		count: func(c cluster.DiskCounts) int { return c.Failed }, what: "reads, writes and syncs failed",
	}
}

// Impact implements Fault. A node whose disk fails may give up at any time, so it
// counts as down.
func (d *DiskErrors) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (d *DiskErrors) Describe(v Victims) string {
	return fmt.Sprintf("fail %v %% of what %s does on disk", d.Percent, names(v.Cluster.Topology, v.Nodes))
}
