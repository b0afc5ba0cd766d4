package record

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/topology"
)

// LossGroup is the lost writes that one node acknowledged to the clients of one region.
type LossGroup struct {
	Node   topology.NodeID `json:"node,omitempty"` // empty where the system does not report who answered
	Region topology.Region `json:"region"`         // of the clients
	Count  int             `json:"count"`
	// From and To are the first and the last acknowledgement, relative to the request of the fault that
	// each belongs to. In a run without faults they are offsets from its start.
	From   time.Duration `json:"from"`
	To     time.Duration `json:"to"`
	Faults []string      `json:"faults,omitempty"` // the ids of these faults
}

// maxLossGroups bounds the groups that a sentence names.
const maxLossGroups = 3

// DescribeLossGroups says in a clause who acknowledged the lost writes, to whom and when: "all 188 were
// acknowledged by east-1 to clients in east between +100 ms and +15.2 s of the request of 1-isolate". It is empty
// when nothing was lost, and in results of before groups were kept.
func (p *RPO) DescribeLossGroups() string {
	if len(p.LossGroups) == 0 {
		return ""
	}
	if g := p.LossGroups[0]; len(p.LossGroups) == 1 {
		if g.Count == 1 {
			return "it was acknowledged " + g.source() + g.reference()
		}
		return fmt.Sprintf("all %d were acknowledged %s%s", g.Count, g.source(), g.reference())
	}
	var parts []string
	for i, g := range p.LossGroups {
		if i == maxLossGroups {
			rest := 0
			for _, g := range p.LossGroups[i:] {
				rest += g.Count
			}
			parts = append(parts, fmt.Sprintf("%d by others", rest))
			break
		}
		were := ""
		if i == 0 {
			were = "were acknowledged "
		}
		parts = append(parts, fmt.Sprintf("%d %s%s", g.Count, were, g.source()))
	}
	all := LossGroup{}
	for _, g := range p.LossGroups {
		for _, f := range g.Faults {
			if !slices.Contains(all.Faults, f) {
				all.Faults = append(all.Faults, f)
			}
		}
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last] + all.reference()
}

// source says who acknowledged the writes of a group, to whom, and when.
func (g *LossGroup) source() string {
	node := "a node that is not known"
	if g.Node != "" {
		node = string(g.Node)
	}
	when := "between " + offset(g.From) + " and " + offset(g.To)
	if g.From == g.To {
		when = "at " + offset(g.From)
	}
	return fmt.Sprintf("by %s to clients in %s %s", node, g.Region, when)
}

// reference says what the instants are relative to.
func (g *LossGroup) reference() string {
	switch len(g.Faults) {
	case 0:
		return " of the run"
	case 1:
		return " of the request of " + g.Faults[0]
	default:
		return " of the request of the nearest fault"
	}
}

// offset prints an instant relative to another, with its sign.
func offset(d time.Duration) string {
	if d < 0 {
		return "−" + duration.Format(-d)
	}
	return "+" + duration.Format(d)
}
