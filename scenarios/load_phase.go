package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/topology"
)

// LoadPhase changes the rate of the load for a time. Phases that overlap multiply.
type LoadPhase struct {
	// At counts from the end of the baseline. When is what the phase waits for then, and Within how long at
	// most; 0 means 30 s.
	At     time.Duration `json:"at" yaml:"at"`
	When   Trigger       `json:"when,omitzero" yaml:"when"`
	Within time.Duration `json:"within,omitempty" yaml:"within"`
	// For is how long the phase lasts, and Ramp its first part, in which the rate changes evenly.
	For  time.Duration `json:"for" yaml:"for"`
	Ramp time.Duration `json:"ramp,omitempty" yaml:"ramp"`
	// Times is how many times its usual rate the load has then.
	Times float64 `json:"times" yaml:"times"`
	// Only is reads or writes; empty means both. Regions are the client regions; none means all.
	Only    string            `json:"only,omitempty" yaml:"only"`
	Regions []topology.Region `json:"regions,omitempty" yaml:"regions"`
}

// The bounds of LoadPhase.Times.
const (
	minTimes = 0.1
	maxTimes = 20
)

// loadClasses are the values of LoadPhase.Only.
var loadClasses = []string{"reads", "writes"}

// ID names the phase of that index in a plan.
func (LoadPhase) ID(i int) string { return fmt.Sprintf("%d-load", i+1) }

// String says what the phase does: "4 times the writes of east for 20s".
func (p LoadPhase) String() string {
	out := fmt.Sprintf("%g times the %s", p.Times, cmp.Or(p.Only, "load"))
	if len(p.Regions) > 0 {
		out += " of " + strings.Join(stringsOf(p.Regions), ", ")
	}
	out += fmt.Sprintf(" for %s", writeDuration(p.For))
	if p.Ramp > 0 {
		out += fmt.Sprintf(", changing over %s", writeDuration(p.Ramp))
	}
	return out
}

// End is when the phase is over at the latest.
func (p LoadPhase) End() time.Duration { return p.At + p.Within + p.For }

// Factor is how many times its usual rate the load of a region and class has that long after the phase began.
func (p LoadPhase) Factor(region topology.Region, class string, since time.Duration) float64 {
	switch {
	case since < 0 || since >= p.For:
		return 1
	case p.Only != "" && p.Only != class, len(p.Regions) > 0 && !slices.Contains(p.Regions, region):
		return 1
	case since < p.Ramp:
		return 1 + (p.Times-1)*float64(since)/float64(p.Ramp)
	}
	return p.Times
}

func (s *Scenario) validateLoadPhases(src *yamlfile.Source) {
	var ids []string
	for _, o := range occurrences(s.Steps) {
		ids = append(ids, o.id)
	}
	load := s.Load.Resolve()
	for i, p := range s.LoadPhases {
		at := fmt.Sprintf("loadPhases[%d]", i)
		for field, d := range map[string]time.Duration{"at": p.At, "within": p.Within, "for": p.For, "ramp": p.Ramp} {
			limitDuration(src, at+"."+field, d)
		}
		switch {
		case p.For == 0 && !src.Given(at+".for"):
			src.Report(at+".for", "is missing: how long does the phase last?", "")
		case p.Ramp > p.For:
			src.Report(at+".ramp", fmt.Sprintf("%v is longer than the phase, %v", p.Ramp, p.For), "")
		}
		switch {
		case p.Times == 0 && !src.Given(at+".times"):
			src.Report(at+".times", "is missing: how many times its usual rate does the load have?", "")
		case p.Times < minTimes || p.Times > maxTimes:
			src.Report(at+".times", fmt.Sprintf("%g is out of range: want %g to %g", p.Times, minTimes, float64(maxTimes)), "")
		case p.Times*float64(max(load.Reads, load.Writes)) > maxRate:
			src.Report(at+".times", fmt.Sprintf("%g times the load is more than %d operations a second and region", p.Times, maxRate), "")
		}
		if p.Only != "" {
			src.RequireOneOf(at+".only", p.Only, loadClasses)
		}
		switch {
		case p.When.IsZero() && (p.Within != 0 || src.Given(at+".within")):
			src.Report(at+".within", "is the longest wait for `when`, and there is none", "")
		case p.When.Kind == StepReached:
			src.RequireOneOf(at+".when", p.When.Step, ids)
		}
	}
}

// validateLoadPhaseNames reports names that the topology does not have.
func validateLoadPhaseNames(src *yamlfile.Source, phases []LoadPhase, t topology.Topology) {
	for i, p := range phases {
		at := fmt.Sprintf("loadPhases[%d]", i)
		validateTriggerNode(src, at+".when", p.When, t)
		for k, r := range p.Regions {
			src.RequireOneOf(fmt.Sprintf("%s.regions[%d]", at, k), string(r), stringsOf(t.Regions()))
		}
	}
}

// resolveLoadPhases fills in defaults. In a plan of several episodes a phase waits for a step of the first.
func (s Scenario) resolveLoadPhases() []LoadPhase {
	out := slices.Clone(s.LoadPhases)
	for i := range out {
		if p := &out[i]; !p.When.IsZero() {
			p.Within = cmp.Or(p.Within, DefaultWithin)
			if p.When.Kind == StepReached && s.Episodes > 1 {
				p.When.Step = "1." + p.When.Step
			}
		}
	}
	return out
}
