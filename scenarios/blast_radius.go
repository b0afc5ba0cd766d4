package scenarios

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/topology"
)

// BlastRadius bounds what the faults of a scenario may do together at any time. A plan that certainly goes
// beyond it is refused, and so is an injection that would.
type BlastRadius struct {
	// KeepQuorum means that a majority of the voters must be left, up and connected.
	KeepQuorum bool `json:"keepQuorum,omitempty" yaml:"keepQuorum,omitempty"`
	// Nodes and Regions are how many nodes, and regions with such a node, may be victims at a time; 0
	// means any number.
	Nodes   int `json:"nodes,omitempty" yaml:"nodes,omitempty"`
	Regions int `json:"regions,omitempty" yaml:"regions,omitempty"`
}

// Exceeded says how faults that have these victims and this impact together go beyond the blast radius; it
// is empty when they do not.
func (b BlastRadius) Exceeded(t topology.Topology, victims []topology.NodeID, impact topology.FaultImpact) string {
	var nodes []topology.NodeID
	var regions []topology.Region
	for _, n := range t.Nodes {
		if !slices.Contains(victims, n.ID) {
			continue
		}
		nodes = append(nodes, n.ID)
		if !slices.Contains(regions, n.Region) {
			regions = append(regions, n.Region)
		}
	}
	switch {
	case b.Nodes > 0 && len(nodes) > b.Nodes:
		return fmt.Sprintf("%d nodes would be victims at a time (%v), and blastRadius.nodes allows %d", len(nodes), nodes, b.Nodes)
	case b.Regions > 0 && len(regions) > b.Regions:
		return fmt.Sprintf("%d regions would have victims at a time (%v), and blastRadius.regions allows %d", len(regions), regions, b.Regions)
	case b.KeepQuorum && len(t.QuorumMembers(impact)) == 0:
		return "no majority would be left, and blastRadius.keepQuorum forbids that"
	}
	return ""
}

// together is what the steps in force at one instant do together, in the least case or in the worst.
type together struct {
	victims []topology.NodeID
	impact  topology.FaultImpact
}

// radiusPreview works out how far the faults of a plan reach together.
type radiusPreview struct {
	plan     Plan
	outcomes [][]together // of each step
}

// newRadiusPreview is nil for a plan whose blast radius bounds nothing.
func (p Plan) newRadiusPreview() *radiusPreview {
	if p.BlastRadius == (BlastRadius{}) {
		return nil
	}
	r := &radiusPreview{plan: p}
	for _, s := range p.Steps {
		r.outcomes = append(r.outcomes, p.outcomesTogether(s))
	}
	return r
}

// at says how the steps in force after an instant exceed the blast radius: certainly, whoever has
// which role and whenever a trigger fires, or possibly.
func (r *radiusPreview) at(at time.Duration) (certainly, possibly string) {
	p := r.plan
	var known, worst together
	var open [][]together // the outcomes of each step that depends on a role
	for i, s := range p.Steps {
		if s.At > at || at >= s.End() {
			continue
		}
		outcomes := r.outcomes[i]
		for _, o := range outcomes {
			worst = worst.and(o)
		}
		switch {
		case !s.When.IsZero() || len(outcomes) == 0: // it need not be in force now
		case len(outcomes) == 1:
			known = known.and(outcomes[0])
		default:
			open = append(open, outcomes)
		}
	}
	exceeded := func(t together) string { return p.BlastRadius.Exceeded(p.Topology, t.victims, t.impact) }
	certainly = exceeded(known)
	for _, outcomes := range open {
		least := exceeded(known.and(outcomes[0]))
		for _, o := range outcomes {
			if exceeded(known.and(o)) == "" {
				least = ""
			}
		}
		if certainly == "" {
			certainly = least
		}
	}
	return certainly, exceeded(worst)
}

func (t together) and(o together) together {
	return together{
		slices.Concat(t.victims, o.victims),
		topology.MergeImpacts(t.impact, o.impact),
	}
}

// outcomesTogether lists what a step may do, for each way in which its roles may be held.
func (p Plan) outcomesTogether(s Step) []together {
	var out []together
	for _, holders := range p.roleHolders(s) {
		if on, to, err := s.Victims(p.Topology, holders); err == nil {
			out = append(out, together{idsOf(on), s.With.Impact(p.victims(s, on, to))})
		}
	}
	return out
}

// validateBlastRadius reports what the plan certainly does beyond its blast radius.
func (p Plan) validateBlastRadius(src *yamlfile.Source) {
	r := p.newRadiusPreview()
	if r == nil {
		return
	}
	for _, s := range p.Steps {
		if certainly, _ := r.at(s.At); certainly != "" {
			src.Report("blastRadius", fmt.Sprintf("%s after the baseline, when %s begins: %s", duration.Format(s.At), s.ID, certainly), "")
			return
		}
	}
}

// blastRadiusWarnings says what the plan may do beyond its blast radius, which would keep a step from being injected.
func (p Plan) blastRadiusWarnings() []string {
	r := p.newRadiusPreview()
	if r == nil {
		return nil
	}
	for _, s := range p.Steps {
		if certainly, possibly := r.at(s.At); certainly == "" && possibly != "" {
			return []string{fmt.Sprintf("%s may not be injected, and the run would be unknown then: if it comes to the worst, %s", s.ID, possibly)}
		}
	}
	return nil
}
