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

// PreviewRow is one instant of a plan's timeline: a fault begins or is healed, and
// what is left of the system from then on, all faults under way taken together.
type PreviewRow struct {
	At          time.Duration `json:"at"` // from the end of the baseline
	Heal        bool          `json:"heal"`
	Step        Step          `json:"step"`
	Description string        `json:"description"` // "kill east-1"; a role is named, not resolved
	// Victims are the nodes chosen, or all that may turn out to be.
	Victims []topology.NodeID `json:"victims"`
	// Role is set where the victims are only known at injection: the nodes of
	// Victims that have it then.
	Role topology.Role `json:"role,omitempty"`
	// Active are the steps under way after this instant, by ID.
	Active []string `json:"active"`
	// Majority says that some voter can still gather a majority, whoever turns
	// out to have the roles chosen.
	Majority bool `json:"majority"`
	// HasQuorum are the regions whose clients can reach a majority, likewise.
	RegionsWithQuorum []topology.Region `json:"regionsWithQuorum"`
	// FaultImpact is what is taken away when every role that may be meant is; it is
	// exact where there is no role.
	Impact topology.FaultImpact `json:"impact"`
}

// Targets says whom the step is for: "east-1", or "leader, resolved at injection".
func (r PreviewRow) Targets() string {
	if r.Role != "" {
		return fmt.Sprintf("%s, resolved at injection", r.Role)
	}
	return fmt.Sprint(r.Victims)
}

// Timeline tells what the plan will do and what it leaves of the system,
// without running anything. Things of one instant are judged together.
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
	for i := range rows {
		p.assessQuorum(&rows[i])
	}
	return rows
}

// assessQuorum fills in what is left of the system after the row's instant.
func (p Plan) assessQuorum(r *PreviewRow) {
	cases := [][]topology.FaultImpact{} // for each active step, what it may do
	r.Active = []string{}
	for _, s := range p.Steps {
		if s.At <= r.At && r.At < s.At+s.For {
			r.Active = append(r.Active, s.ID)
			cases = append(cases, p.possibleImpacts(s))
		}
	}
	r.Majority = true
	r.RegionsWithQuorum = p.Topology.Regions()
	for _, ds := range cases {
		r.Impact = topology.MergeImpacts(append([]topology.FaultImpact{r.Impact}, ds...)...)
	}
	worst := combinations(cases)
	if worst == nil {
		worst = []topology.FaultImpact{r.Impact} // too many to try: all of it at once
	}
	for _, d := range worst {
		r.Majority = r.Majority && len(p.Topology.QuorumMembers(d)) > 0
		r.RegionsWithQuorum = slices.DeleteFunc(r.RegionsWithQuorum, func(c topology.Region) bool { return !p.Topology.HasQuorum(c, d) })
	}
}

// combinations returns every way in which the cases can come together, or nil when
// they are too many.
func combinations(cases [][]topology.FaultImpact) []topology.FaultImpact {
	const most = 1000
	out := []topology.FaultImpact{{}}
	for _, ds := range cases {
		var next []topology.FaultImpact
		for _, so := range out {
			for _, d := range ds {
				next = append(next, topology.MergeImpacts(so, d))
			}
		}
		if len(next) > most {
			return nil
		}
		out = next
	}
	return out
}

// possibleImpacts lists what a step may do, one entry for each way its roles may resolve.
func (p Plan) possibleImpacts(s Step) []topology.FaultImpact {
	var out []topology.FaultImpact
	for _, on := range p.possibleTargets(s.On) {
		for _, to := range p.possibleTargets(s.To) {
			out = append(out, s.With.Impact(faults.Victims{Cluster: p.declaredCluster(), ID: s.ID, Nodes: on, To: to, Seed: s.Seed}))
		}
	}
	return out
}

// possibleTargets lists whom a selector may turn out to choose: a leader, of whatever, is any
// one node, followers are all but one, and where all are followers all.
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

// placeholderVictims makes victims to be spoken of: a role stands for whoever has it.
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

// declaredCluster is a cluster that does not run, for asking faults what they would do.
func (p Plan) declaredCluster() *cluster.Cluster { return &cluster.Cluster{Topology: p.Topology} }

func idsOf(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
