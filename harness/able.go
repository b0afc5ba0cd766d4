package harness

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/faults"
)

// able returns nil when the runtime and the target can do every step of the plan to every
// node that the step could choose; cluster.Unsupported, with the reason, is in
// the error otherwise.
func (r *run) able() error {
	for _, s := range r.plan.Steps {
		if f, ok := s.With.(faults.ClusterCapabilityChecker); ok {
			if err := f.RequiresOf(r.cluster); err != nil {
				return fmt.Errorf("%s: %w", s.ID, err)
			}
		}
		f, ok := s.With.(faults.CapabilityChecker)
		if !ok {
			continue
		}
		for _, n := range r.plan.Topology.Select(s.On) {
			if err := f.Requires(r.cluster.Process(n.ID)); err != nil {
				return fmt.Errorf("%s: %s: %w", s.ID, n.ID, err)
			}
		}
	}
	return nil
}
