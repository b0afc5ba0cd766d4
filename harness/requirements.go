package harness

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
)

// checkRequirements returns nil when the runtime and the target can carry out
// every step on every node that the step could choose. Otherwise
// cluster.Unsupported, with the reason, is in the error.
func checkRequirements(c *cluster.Cluster, steps []scenarios.Step) error {
	for _, s := range steps {
		if err := checkFault(c, s.With, c.Topology.Select(s.On)); err != nil {
			return fmt.Errorf("%s: %w", s.ID, err)
		}
	}
	return nil
}

func checkFault(c *cluster.Cluster, fault faults.Fault, on []topology.Node) error {
	if f, ok := fault.(faults.ClusterCapabilityChecker); ok {
		if err := f.RequiresOf(c); err != nil {
			return err
		}
	}
	f, ok := fault.(faults.CapabilityChecker)
	if !ok {
		return nil
	}
	for _, n := range on {
		if err := f.Requires(c.Process(n.ID)); err != nil {
			return fmt.Errorf("%s: %w", n.ID, err)
		}
	}
	return nil
}
