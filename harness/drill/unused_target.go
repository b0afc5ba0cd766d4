package drill

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/targets"
)

// requireUsed is an error when one of the caller's own targets is not the one that is drilled.
// Without it the spec would be green for another system than the one it names.
func requireUsed(own []targets.Target, drilled, scenario string) error {
	used := false
	for _, t := range own {
		switch {
		case t.Name() != drilled:
			return fmt.Errorf(`drill.Against gives target %q, but scenario %s drills target %q: `+
				`write "target: %s" in the scenario's file, or pass drill.With(func(s *scenarios.Scenario) { s.Target = %q })`,
				t.Name(), scenario, drilled, t.Name(), t.Name())
		case used:
			return fmt.Errorf("drill.Against gives two targets with the name %q, and scenario %s drills the first: pass one of them", drilled, scenario)
		}
		used = true
	}
	return nil
}
