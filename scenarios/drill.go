package scenarios

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
)

// Drill is what an organization needs to know of a scenario that it exercises regularly.
type Drill struct {
	// Kind is how much of the system is touched; empty means that the scenario is no regular drill.
	Kind DrillKind `json:"kind,omitempty" yaml:"kind"`
	// Owner is who answers for the drill: a person, a team or an address.
	Owner string `json:"owner,omitempty" yaml:"owner"`
	// Runbook is the link to what people do when it happens.
	Runbook string `json:"runbook,omitempty" yaml:"runbook"`
	// Frequency is how often it is held; empty means the default of its kind.
	Frequency Frequency `json:"frequency,omitempty" yaml:"frequency"`
}

// DrillKind is how much of the system a drill touches.
type DrillKind string

// The kinds of drills.
const (
	Tabletop DrillKind = "tabletop" // nothing: people talk it through, with the card of holdfast tabletop
	Partial  DrillKind = "partial"  // a part of the system, such as a node or a link
	FullLoss DrillKind = "full"     // a whole region
)

// Frequency is how often a drill is held.
type Frequency string

// The frequencies.
const (
	Monthly    Frequency = "monthly"
	Quarterly  Frequency = "quarterly"
	HalfYearly Frequency = "half-yearly"
	Yearly     Frequency = "yearly"
)

// Values lists the kinds, for the schema.
func (DrillKind) Values() []string {
	return []string{string(Tabletop), string(Partial), string(FullLoss)}
}

// Values lists the frequencies, for the schema.
func (Frequency) Values() []string {
	return []string{string(Monthly), string(Quarterly), string(HalfYearly), string(Yearly)}
}

// Resolve returns the drill with the default frequency of its kind.
func (d Drill) Resolve() Drill {
	if d.Frequency == "" {
		d.Frequency = map[DrillKind]Frequency{Tabletop: Quarterly, Partial: HalfYearly, FullLoss: Yearly}[d.Kind]
	}
	return d
}

// Next is when a drill that was held at a time is due again.
func (f Frequency) Next(held time.Time) time.Time {
	months := map[Frequency]int{Monthly: 1, Quarterly: 3, HalfYearly: 6, Yearly: 12}[f]
	return held.AddDate(0, months, 0)
}

func validateDrill(src *yamlfile.Source, d Drill) {
	if d == (Drill{}) && !src.Given("drill") {
		return
	}
	if d.Kind == "" && !src.Reported("drill") {
		src.Report("drill.kind", "is missing: want one of "+strings.Join(d.Kind.Values(), ", "), "")
	} else if d.Kind != "" {
		src.RequireOneOf("drill.kind", string(d.Kind), d.Kind.Values())
	}
	if d.Frequency != "" {
		src.RequireOneOf("drill.frequency", string(d.Frequency), d.Frequency.Values())
	}
	if link, err := url.Parse(d.Runbook); d.Runbook != "" && (err != nil || link.Host == "" || link.Scheme != "https" && link.Scheme != "http") {
		src.Report("drill.runbook", fmt.Sprintf("%q is no link: want https://…", d.Runbook), "")
	}
}
