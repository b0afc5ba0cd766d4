package arbiter

import "github.com/mcp-resilience/holdfast/mcp/state"

// Defects are faults that a node is started with on purpose, so that whoever tests
// the platform can check that the test notices. A sound node has none.
type Defects struct {
	// NeverSwitch leaves traffic where it is, whoever is declared lost.
	NeverSwitch bool
}

// quarters is what a decision says of the regions' shares: next in a sound node.
func (d Defects) quarters(was state.HealthView, next map[string]uint32) map[string]uint32 {
	if d.NeverSwitch {
		return was.WeightQuarters
	}
	return next
}
