package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/topology"
)

// Stage is a stretch of the timeline in which the same faults are under way.
type Stage struct {
	From   time.Duration `json:"from"` // from the end of the baseline
	To     time.Duration `json:"to"`
	Faults []string      `json:"faults"` // ids of the steps under way
	// Cases is what holds for each way in which the roles may lie; one case
	// when they do not matter.
	Cases []Case `json:"cases"`
}

// Case is what a stage leaves of the system.
type Case struct {
	// Leader is the node assumed to lead when the steps begin; empty means any.
	Leader topology.NodeID `json:"leader,omitempty"`
	// Says is the deeds in words: "kill east-1".
	Says     []string          `json:"says"`
	Quorum   bool              `json:"quorum"`
	Eligible []topology.Region `json:"eligible"` // client regions that can reach a majority
}

// Survives says whether a quorum lives in every case, in none, or in some.
func (s Stage) Survives() (all, some bool) {
	all = true
	for _, c := range s.Cases {
		all, some = all && c.Quorum, some || c.Quorum
	}
	return all, some
}

// Forecast says, for each stretch of the timeline, whether a quorum survives
// and which client regions can reach it, without running anything. Roles are
// not known before the run: every voter is taken as the leader in turn, for
// the whole timeline.
func (p Plan) Forecast() []Stage {
	var cuts []time.Duration
	for _, s := range p.Steps {
		cuts = append(cuts, s.At, s.At+s.For)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []Stage
	for i := range len(cuts) - 1 {
		stage := Stage{From: cuts[i], To: cuts[i+1]}
		var under []Step
		for _, s := range p.Steps {
			if s.At <= stage.From && stage.To <= s.At+s.For {
				under = append(under, s)
				stage.Faults = append(stage.Faults, s.ID)
			}
		}
		if len(under) == 0 {
			continue
		}
		stage.Cases = p.cases(under)
		out = append(out, stage)
	}
	return out
}

func (p Plan) cases(under []Step) []Case {
	if !slices.ContainsFunc(under, func(s Step) bool { return s.On.Role != "" || s.To.Role != "" }) {
		return []Case{p.assume("", under)}
	}
	var out []Case
	for _, n := range p.Topology.Nodes {
		if n.Voter {
			out = append(out, p.assume(n.ID, under))
		}
	}
	return out
}

// assume says what is left while the steps are under way and leader leads.
func (p Plan) assume(leader topology.NodeID, under []Step) Case {
	c := Case{Leader: leader, Eligible: []topology.Region{}}
	var damage topology.Damage
	for _, s := range under {
		v := faults.Victims{
			Cluster: &cluster.Cluster{Topology: p.Topology}, ID: s.ID, Seed: s.Seed,
			Nodes: choose(p.Topology, s.On, leader),
		}
		if !s.To.Empty() {
			v.To = choose(p.Topology, s.To, leader)
		}
		if len(v.Nodes) == 0 {
			c.Says = append(c.Says, fmt.Sprintf("%s: nobody", s.ID))
			continue
		}
		c.Says = append(c.Says, s.With.Says(v))
		damage = topology.Merge(damage, s.With.Damage(v))
	}
	c.Quorum = len(p.Topology.Majorities(damage)) > 0
	for _, r := range p.Topology.Regions() {
		if p.Topology.Eligible(r, damage) {
			c.Eligible = append(c.Eligible, r)
		}
	}
	return c
}

// choose selects as the engine will when leader leads. A role that only the
// target knows selects whoever else matches.
func choose(t topology.Topology, s topology.Selector, leader topology.NodeID) []topology.Node {
	nodes := t.Select(s)
	switch s.Role {
	case topology.Leader:
		return slices.DeleteFunc(nodes, func(n topology.Node) bool { return n.ID != leader })
	case topology.Follower:
		return slices.DeleteFunc(nodes, func(n topology.Node) bool { return n.ID == leader })
	default:
		return nodes
	}
}

// String is the case in a few words.
func (c Case) String() string {
	quorum := "a quorum survives"
	if !c.Quorum {
		quorum = "no quorum survives"
	}
	var regions []string
	for _, r := range c.Eligible {
		regions = append(regions, string(r))
	}
	reach := "; no client region reaches one"
	if len(regions) > 0 {
		reach = "; clients that reach it: " + strings.Join(regions, ", ")
	} else if !c.Quorum {
		reach = ""
	}
	return quorum + reach
}
