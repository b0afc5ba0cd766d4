package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// Outcome is what a step comes to for one way in which the roles that it names are held
// when it begins.
type Outcome struct {
	// Holders is the node that has each role. That of the followers is the leader, whom
	// they follow.
	Holders map[topology.Role]topology.NodeID `json:"holders"`
	// Odds is the probability of the outcome if every node that may have a role is as likely to.
	Odds float64 `json:"odds"`
	// Description is what is injected: "partition north-1 and east-1 (hold, both ways)".
	Description string `json:"description,omitempty"`
	// Problem says why nothing can be injected. The run is then not a pass.
	Problem string `json:"problem,omitempty"`
}

// Who names the holders: "east-1 is leader".
func (o Outcome) Who() string {
	var out []string
	for _, r := range slices.Sorted(maps.Keys(o.Holders)) {
		out = append(out, fmt.Sprintf("%s is %s", o.Holders[r], r))
	}
	return strings.Join(out, " and ")
}

// Outcomes lists what a step may come to, one for each way in which its roles may be held.
func (p Plan) Outcomes(s Step) []Outcome {
	possible := p.roleHolders(s)
	out := make([]Outcome, len(possible))
	for i, holders := range possible {
		o := Outcome{Holders: map[topology.Role]topology.NodeID{}, Odds: 1 / float64(len(possible))}
		for r, nodes := range holders {
			if r != topology.Follower {
				o.Holders[r] = nodes[0]
			}
		}
		on, to, err := s.Victims(p.Topology, holders)
		v := p.victims(s, on, to)
		switch link, isLink := s.With.(faults.LinkFault); {
		case isEmptySelection(err):
			o.Description = describeNothing(err)
		case err != nil:
			o.Problem = err.Error()
		case isLink && len(link.Flows(v)) == 0:
			o.Problem = fmt.Sprintf("no link is between the two sides, on: %v and to: %v", idsOf(on), idsOf(to))
			if both := without(on, without(on, to)); len(both) > 0 {
				o.Problem = fmt.Sprintf("%s is on both sides, so no link is between them", both[0].ID)
			}
		default:
			o.Description = s.With.Describe(v)
		}
		out[i] = o
	}
	return out
}

// roleHolders lists the ways in which the roles that a step names may be held, with one
// holder of each role and all other voters as followers. There is one way where it names none.
func (p Plan) roleHolders(s Step) []map[topology.Role][]topology.NodeID {
	return holdersAmong(s, p.Topology, p.Topology.RoleCandidates)
}

func holdersAmong(s Step, t topology.Topology, candidates func(topology.Role) []topology.NodeID) []map[topology.Role][]topology.NodeID {
	out := []map[topology.Role][]topology.NodeID{{}}
	roles := s.Roles()
	if i := slices.Index(roles, topology.Follower); i >= 0 && !slices.Contains(roles, topology.Leader) {
		roles[i] = topology.Leader // which says who follows
	}
	for _, r := range roles {
		if r == topology.Follower {
			continue
		}
		var next []map[topology.Role][]topology.NodeID
		for _, so := range out {
			for _, n := range candidates(r) {
				with := maps.Clone(so)
				with[r] = []topology.NodeID{n}
				if r == topology.Leader {
					with[topology.Follower] = slices.DeleteFunc(candidates(topology.Follower), func(f topology.NodeID) bool { return f == n })
				}
				next = append(next, with)
			}
		}
		out = next
	}
	return out
}

// leaderless is the way in which the nodes that may follow all do: nobody leads for a moment.
func (p Plan) leaderless(s Step) []map[topology.Role][]topology.NodeID {
	roles := s.Roles()
	if !slices.Contains(roles, topology.Follower) || len(roles) > 1 {
		return nil
	}
	return []map[topology.Role][]topology.NodeID{{topology.Follower: p.Topology.RoleCandidates(topology.Follower)}}
}
