package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// PreviewRow is one instant of a plan's timeline, at which a fault begins or is healed,
// and the state of the system from then on under all active faults together.
type PreviewRow struct {
	At          time.Duration `json:"at"` // from the end of the baseline
	Heal        bool          `json:"heal"`
	Step        Step          `json:"step"`
	Description string        `json:"description"` // "kill east-1"; roles are named, not resolved
	// Victims are the selected nodes, or all candidates where a role is selected.
	Victims []topology.NodeID `json:"victims"`
	// Role is set where the victims are known only at injection: those of Victims
	// that have the role then.
	Role topology.Role `json:"role,omitempty"`
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
		begin := PreviewRow{
			At: s.At, Step: s, Description: s.With.Describe(p.placeholderVictims(s)), Role: cmp.Or(s.On.Role, s.To.Role),
			Victims: idsOf(p.Topology.Select(s.On)),
		}
		end := begin
		end.At, end.Heal = s.At+s.For, true
		rows = append(rows, begin, end)
	}
	slices.SortStableFunc(rows, func(a, b PreviewRow) int { return cmp.Compare(a.At, b.At) })
	q := p.newQuorumPreview()
	for i := range rows {
		q.assess(&rows[i])
	}
	return rows
}

// possibleImpacts lists the impact of a step for each way in which its roles can resolve.
func (p Plan) possibleImpacts(s Step) []topology.FaultImpact {
	var out []topology.FaultImpact
	for _, on := range p.possibleTargets(s.On) {
		for _, to := range p.possibleTargets(s.To) {
			out = append(out, s.With.Impact(faults.Victims{Cluster: p.declaredCluster(), ID: s.ID, Nodes: on, To: to, Seed: s.Seed}))
		}
	}
	return out
}

// possibleTargets lists the sets of nodes that a selector can resolve to: a leader of
// any kind is any single node; followers are all nodes but one, or all nodes.
func (p Plan) possibleTargets(s topology.Selector) [][]topology.Node {
	nodes := p.Topology.Select(s)
	if s.Role == "" || len(nodes) == 0 {
		return [][]topology.Node{nodes}
	}
	var out [][]topology.Node
	for i, n := range nodes {
		if s.Role != topology.Follower {
			out = append(out, []topology.Node{n})
		} else {
			out = append(out, slices.Delete(slices.Clone(nodes), i, i+1))
		}
	}
	if s.Role == topology.Follower {
		out = append(out, nodes)
	}
	return out
}

// placeholderVictims makes victims for a description, in which "the leader" stands
// for the node that has the role.
func (p Plan) placeholderVictims(s Step) faults.Victims {
	call := func(sel topology.Selector) []topology.Node {
		if sel.Role != "" {
			who := "the " + string(sel.Role)
			if sel.Role == topology.Follower {
				who += "s"
			}
			return []topology.Node{{ID: topology.NodeID(who)}}
		}
		return p.Topology.Select(sel)
	}
	return faults.Victims{Cluster: p.declaredCluster(), ID: s.ID, Nodes: call(s.On), To: call(s.To), Seed: s.Seed}
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
