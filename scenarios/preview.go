package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// PreviewRow is one instant of a plan's timeline, at which a fault begins or is healed,
// and the state of the system from then on under all active faults together. A step that waits for
// a trigger begins at the earliest and is healed at the latest instant that there may be.
type PreviewRow struct {
	At          time.Duration `json:"at"` // from the end of the baseline
	Heal        bool          `json:"heal"`
	Step        Step          `json:"step"`
	Description string        `json:"description"` // "kill east-1"; roles are named, not resolved
	// Victims are the selected nodes, or all candidates where they are known only at injection.
	Victims []topology.NodeID `json:"victims"`
	// Role is set where a step depends on who has a role then.
	Role topology.Role `json:"role,omitempty"`
	// Outcomes is what the step comes to for each way in which the roles that it names may
	// be held when it begins. It is empty where a step names no role, and in rows of heals.
	Outcomes []Outcome `json:"outcomes,omitempty"`
	// Active are the ids of the steps that are active after this instant.
	Active []string `json:"active"`
	// Majority says that some voter can reach a majority of the voters, whichever
	// nodes have the selected roles.
	Majority bool `json:"majority"`
	// RegionsWithQuorum are the regions whose clients can reach a majority, likewise.
	RegionsWithQuorum []topology.Region `json:"regionsWithQuorum"`
	// Impact is what the active faults affect together. Where a role is selected it
	// includes every candidate; elsewhere it is exact.
	Impact topology.FaultImpact `json:"impact"`
}

// Targets names the victims: "[east-1]", or "leader, resolved at injection".
func (r PreviewRow) Targets() string {
	if r.Role != "" {
		return fmt.Sprintf("%s, resolved at injection", r.Role)
	}
	return fmt.Sprint(r.Victims)
}

// Timeline lists what the plan will do and what state it leaves the system in,
// without running anything. What happens at the same instant is assessed together.
func (p Plan) Timeline() []PreviewRow {
	var rows []PreviewRow
	for _, s := range p.Steps {
		begin := PreviewRow{At: s.At, Step: s, Description: p.describe(s), Victims: p.candidates(s)}
		end := begin
		end.At, end.Heal = s.End(), true
		if roles := s.Roles(); len(roles) > 0 {
			begin.Role, end.Role = roles[0], roles[0]
			begin.Outcomes = p.Outcomes(s)
		}
		rows = append(rows, begin, end)
	}
	slices.SortStableFunc(rows, func(a, b PreviewRow) int { return cmp.Compare(a.At, b.At) })
	q := p.newQuorumPreview()
	for i := range rows {
		q.assess(&rows[i])
	}
	return rows
}

// describe says what a step does, with roles named and not resolved.
func (p Plan) describe(s Step) string {
	if len(s.Roles()) == 0 {
		if _, _, err := s.Victims(p.Topology, nil); isEmptySelection(err) {
			return describeNothing(err)
		}
	}
	return s.Injected().Describe(p.placeholderVictims(s))
}

// describeNothing says that a step comes to nothing, and that this is allowed.
func describeNothing(err error) string { return "nothing, because " + err.Error() }

func isEmptySelection(err error) bool {
	_, is := errors.AsType[EmptySelectionError](err)
	return is
}

// possibleImpacts lists the impact of a step for each way in which its roles can resolve.
func (p Plan) possibleImpacts(s Step) []topology.FaultImpact {
	var out []topology.FaultImpact
	for _, holders := range append(p.roleHolders(s), p.leaderless(s)...) {
		var impact topology.FaultImpact // none where the fault cannot be injected
		if on, to, err := s.Victims(p.Topology, holders); err == nil {
			impact = s.With.Impact(p.victims(s, on, to))
		}
		out = append(out, impact)
	}
	return out
}

// candidates lists the nodes of `on`, in every way in which the roles can resolve.
func (p Plan) candidates(s Step) []topology.NodeID {
	may := map[topology.NodeID]bool{}
	for _, holders := range p.roleHolders(s) {
		on, _, _ := s.Victims(p.Topology, holders)
		for _, n := range on {
			may[n.ID] = true
		}
	}
	out := []topology.NodeID{}
	for _, n := range p.Topology.Nodes {
		if may[n.ID] {
			out = append(out, n.ID)
		}
	}
	return out
}

// placeholderVictims makes victims for a description, in which "the leader" stands
// for the node that has the role.
func (p Plan) placeholderVictims(s Step) faults.Victims {
	if len(s.Roles()) == 0 {
		on, to, _ := s.Victims(p.Topology, nil)
		return p.victims(s, on, to)
	}
	standIn := func(sel topology.Selector) []topology.Node {
		if sel.ResolvedAtInjection() {
			return []topology.Node{{ID: topology.NodeID(describeSelector(sel))}}
		}
		return p.Topology.Select(sel)
	}
	return p.victims(s, standIn(s.On), standIn(s.To))
}

// describeSelector names the nodes that are known only at injection: "a follower".
func describeSelector(s topology.Selector) string {
	noun, and := "node", ""
	if s.Role != "" {
		noun = string(s.Role)
	}
	if x := s.Not; x != (topology.Exclusion{}) && (s.Draws() || s.Role != "") {
		and = fmt.Sprintf(" outside %v", x)
		if x == (topology.Exclusion{Role: x.Role}) {
			and = fmt.Sprintf(" other than the %s", plural(x.Role))
		}
	}
	switch {
	case s.Count == 1:
		return "a " + noun + and
	case s.Count > 1:
		return fmt.Sprintf("%d %ss%s", s.Count, noun, and)
	case s.Percent > 0:
		return fmt.Sprintf("%d %% of the %ss%s", s.Percent, noun, and)
	case s.RandomMaxPercent > 0:
		return fmt.Sprintf("up to %d %% of the %ss%s", s.RandomMaxPercent, noun, and)
	case s.Role != "":
		return "the " + plural(s.Role) + and
	case s.Region != "":
		return fmt.Sprintf("all of %s but the %s", s.Region, plural(s.Not.Role))
	default:
		return fmt.Sprintf("all but the %s", plural(s.Not.Role))
	}
}

func plural(r topology.Role) string {
	if r == topology.Follower {
		return "followers"
	}
	return string(r)
}

func (p Plan) victims(s Step, on, to []topology.Node) faults.Victims {
	return faults.Victims{Cluster: p.declaredCluster(), ID: s.ID, Nodes: on, To: to, Seed: s.Seed}
}

// declaredCluster is a cluster that does not run, for asking faults about their impact.
func (p Plan) declaredCluster() *cluster.Cluster { return &cluster.Cluster{Topology: p.Topology} }

func idsOf(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
