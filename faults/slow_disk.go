package faults

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// SlowDisk makes each read, write and sync of the victims take longer.
type SlowDisk struct {
	// Delay is by how much, between 1ms and 10s. It must be given.
	Delay time.Duration `json:"delay" yaml:"delay"`
}

// Validate implements Validator.
func (s *SlowDisk) Validate() error {
	if s.Delay < time.Millisecond || s.Delay > 10*time.Second {
		return InvalidField{Field: "delay", Message: "must be between 1ms and 10s"}
	}
	return nil
}

// Requires implements CapabilityChecker: there is a layer between the node and its disk.
func (s *SlowDisk) Requires(p cluster.Process) error {
	_, err := cluster.DiskFaulterOf(p)
	return err
}

// Prepare implements Fault.
func (s *SlowDisk) Prepare(v Victims) Injection {
	return &diskInjection{
		victims: v, fault: cluster.DiskFault{Delay: s.Delay},
		count: func(c cluster.DiskCounts) int { return c.Delayed }, what: fmt.Sprintf("reads, writes and syncs delayed by %v", s.Delay),
	}
}

// Impact implements Fault: slowness takes nothing away.
func (s *SlowDisk) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (s *SlowDisk) Describe(v Victims) string {
	return fmt.Sprintf("slow the disk of %s by %v", names(v.Cluster.Topology, v.Nodes), s.Delay)
}
