package scenarios

import (
	"time"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
)

// Guards stop the faults of a run before their time: everything is healed at once, nothing more is injected,
// and what was written is read back all the same. The verdict of such a run is never pass. Without a field
// nothing is guarded.
type Guards struct {
	// Goodput is the least share of good operations of all clients in a second, and GoodputFor how long it
	// may be lower; 0 means 5 s.
	Goodput    float64       `json:"goodput,omitempty" yaml:"goodput,omitempty"`
	GoodputFor time.Duration `json:"goodputFor,omitempty" yaml:"goodputFor,omitempty"`
	// Duration is the longest time from the first step to the last heal.
	Duration time.Duration `json:"duration,omitempty" yaml:"duration,omitempty"`
	// Events are events of the system that stop the run.
	Events []record.EventPattern `json:"events,omitempty" yaml:"events,omitempty"`
}

// IsZero reports whether nothing is guarded.
func (g Guards) IsZero() bool { return g.Goodput == 0 && g.Duration == 0 && len(g.Events) == 0 }

// Resolve returns the guards with every default filled in.
func (g Guards) Resolve() Guards {
	if g.Goodput > 0 && g.GoodputFor == 0 {
		g.GoodputFor = 5 * time.Second
	}
	return g
}

func validateGuards(src *yamlfile.Source, g Guards) {
	if (g.Goodput != 0 || src.Given("guards.goodput")) && (g.Goodput <= 0 || g.Goodput > 1) {
		src.Report("guards.goodput", "is out of range: want a share above 0, at most 1", "")
	}
	limitDuration(src, "guards.goodputFor", g.GoodputFor)
	limitDuration(src, "guards.duration", g.Duration)
	switch {
	case g.Goodput == 0 && (g.GoodputFor != 0 || src.Given("guards.goodputFor")) && !src.Reported("guards.goodput"):
		src.Report("guards.goodputFor", "is how long the goodput may be too low: give guards.goodput as well", "")
	case g.IsZero() && src.Given("guards") && !src.Reported("guards"):
		src.Report("guards", "guard nothing: want goodput, duration or events", "")
	}
}
