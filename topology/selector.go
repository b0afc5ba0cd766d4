package topology

import (
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
)

// Selector chooses nodes. Fields that are set must all match; an empty
// selector matches no node, so that a forgotten field disturbs nothing.
type Selector struct {
	Region  Region `json:"region,omitempty" yaml:"region,omitempty"`
	Service string `json:"service,omitempty" yaml:"service,omitempty"`
	Role    Role   `json:"role,omitempty" yaml:"role,omitempty"` // resolved by the target at injection
	// Node is the name of a node, or a pattern as of path.Match: "east-*".
	Node NodeID `json:"node,omitempty" yaml:"node,omitempty"`
	// All matches every node.
	All bool `json:"all,omitempty" yaml:"all,omitempty"`
	// Not leaves out the nodes that match it. Alone, it matches every other node.
	Not Exclusion `json:"not,omitzero" yaml:"not,omitempty"`
	// Count is how many of the nodes that match are chosen, at random. Percent is that number as a
	// share of them, rounded down and at least one, and RandomMaxPercent draws the number as well:
	// from one up to that share. At most one of the three is set; without any all nodes are chosen.
	Count            int `json:"count,omitempty" yaml:"count,omitempty"`
	Percent          int `json:"percent,omitempty" yaml:"percent,omitempty"`
	RandomMaxPercent int `json:"randomMaxPercent,omitempty" yaml:"randomMaxPercent,omitempty"`
	// AllowEmpty means that nothing happens where no node matches. Otherwise that is an error.
	AllowEmpty bool `json:"allowEmpty,omitempty" yaml:"allowEmpty,omitempty"`
}

// Exclusion is the nodes that a selector leaves out: those that match every field that is set.
type Exclusion struct {
	Region  Region `json:"region,omitempty" yaml:"region,omitempty"`
	Service string `json:"service,omitempty" yaml:"service,omitempty"`
	Role    Role   `json:"role,omitempty" yaml:"role,omitempty"` // resolved by the target at injection
	Node    NodeID `json:"node,omitempty" yaml:"node,omitempty"` // a name or a pattern
}

// Empty reports whether no field says which nodes are meant. How many of them does not.
func (s Selector) Empty() bool {
	s.Count, s.Percent, s.RandomMaxPercent, s.AllowEmpty = 0, 0, 0, false
	return s == Selector{}
}

// Draws reports whether only some of the nodes that match are chosen, at random.
func (s Selector) Draws() bool { return s.Count > 0 || s.Percent > 0 || s.RandomMaxPercent > 0 }

// Number is how many of n nodes that match the selector chooses; the same seed gives the same. It
// may be more than n for a Count.
func (s Selector) Number(n int, seed uint64) int {
	share := func(percent int) int { return min(n, max(1, n*percent/100)) }
	switch {
	case s.Count > 0:
		return s.Count
	case s.Percent > 0:
		return share(s.Percent)
	case s.RandomMaxPercent > 0 && n > 0:
		return 1 + rand.New(rand.NewPCG(seed, 1)).IntN(share(s.RandomMaxPercent))
	}
	return n
}

// Roles lists the roles whose holders must be known before the nodes are.
func (s Selector) Roles() []Role {
	var out []Role
	for _, r := range []Role{s.Role, s.Not.Role} {
		if r != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// ResolvedAtInjection reports whether the nodes depend on who has a role, or on a draw.
func (s Selector) ResolvedAtInjection() bool { return len(s.Roles()) > 0 || s.Draws() }

// String writes the selector as a scenario does: {role: follower, count: 1}.
func (s Selector) String() string { return flowMapping(reflect.ValueOf(s)) }

func (e Exclusion) String() string { return flowMapping(reflect.ValueOf(e)) }

// flowMapping writes the fields of a struct that are set, by their names in YAML.
func flowMapping(v reflect.Value) string {
	var out []string
	for field, value := range v.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); !value.IsZero() {
			out = append(out, fmt.Sprintf("%s: %v", name, value))
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// Select lists the nodes that may be chosen whoever has which role: those that match every
// field but the roles and the number.
func (t Topology) Select(s Selector) []Node {
	if s.Empty() {
		return nil
	}
	s.Role = ""
	if s.Not.Role != "" {
		s.Not = Exclusion{} // a node is left out only when it has the role as well
	}
	if s.Empty() {
		s.All = true // a role was all there was
	}
	return t.Match(s, nil)
}

// Match lists the nodes that match every field but the number, where holders are the nodes
// that have each role.
func (t Topology) Match(s Selector, holders map[Role][]NodeID) []Node {
	if s.Empty() {
		return nil
	}
	has := func(n Node, r Role) bool { return r == "" || slices.Contains(holders[r], n.ID) }
	var out []Node
	for _, n := range t.Nodes {
		x := s.Not
		excluded := x != Exclusion{} && n.is(x.Region, x.Service, x.Node) && has(n, x.Role)
		if n.is(s.Region, s.Service, s.Node) && has(n, s.Role) && !excluded {
			out = append(out, n)
		}
	}
	return out
}

// is reports whether the node has the properties that are not empty.
func (n Node) is(r Region, service string, id NodeID) bool {
	return (r == "" || r == n.Region) && (service == "" || service == n.Service) && (id == "" || n.named(id))
}

// named reports whether the node has the name, or one of the pattern.
func (n Node) named(pattern NodeID) bool {
	if !pattern.Pattern() {
		return n.ID == pattern
	}
	ok, err := path.Match(string(pattern), string(n.ID))
	return ok && err == nil
}

// Draw chooses count of the nodes at random and returns them in the order in which they were
// given. The same seed chooses the same of the same nodes. Where there are fewer it returns all.
func Draw(nodes []Node, count int, seed uint64) []Node {
	if count >= len(nodes) {
		return nodes
	}
	chosen := rand.New(rand.NewPCG(seed, 0)).Perm(len(nodes))[:count]
	slices.Sort(chosen)
	out := make([]Node, len(chosen))
	for i, c := range chosen {
		out[i] = nodes[c]
	}
	return out
}

// RoleCandidates lists the nodes that may have a role as far as a topology tells: the leader and
// its followers are voters, or standbys that have taken over. Any node may have another role.
func (t Topology) RoleCandidates(r Role) []NodeID {
	var all, voting []NodeID
	for _, n := range t.Nodes {
		all = append(all, n.ID)
		if n.Voter || n.Standby {
			voting = append(voting, n.ID)
		}
	}
	if (r == Leader || r == Follower) && len(voting) > 0 {
		return voting
	}
	return all
}
