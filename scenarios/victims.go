package scenarios

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/topology"
)

// Roles lists the roles whose holders must be known before the victims of the step are.
func (s Step) Roles() []topology.Role {
	out := s.On.Roles()
	for _, r := range s.To.Roles() {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// EmptySelectionError is the error of a selector that matches no node and says that this is allowed:
// nothing is to be injected then, and the run is as good.
type EmptySelectionError struct {
	Side     string // on or to
	Selector topology.Selector
}

func (e EmptySelectionError) Error() string {
	return fmt.Sprintf("%s: %v matches no node", e.Side, e.Selector)
}

// Victims resolves the step's selectors: on and to are the nodes of either side when holders
// have the roles. Where only some are to be chosen they are drawn from the seed of the step, and never from
// the nodes of the other side: on: {role: leader}, to: {all: true, count: 1} is the leader and
// one other node. The error says which selector chooses too few.
func (s Step) Victims(t topology.Topology, holders map[topology.Role][]topology.NodeID) (on, to []topology.Node, err error) {
	on, to = t.Match(s.On, holders), t.Match(s.To, holders)
	if s.On.Draws() {
		var other []topology.Node
		if !s.To.Draws() { // to is known
			other = to
		}
		if on, err = draw("on", s.On, without(on, other), s.Seed); err != nil {
			return nil, nil, err
		}
	}
	if s.To.Draws() {
		if to, err = draw("to", s.To, without(to, on), s.Seed+1); err != nil {
			return nil, nil, err
		}
	}
	if len(on) == 0 {
		return nil, nil, emptySelection("on", s.On)
	}
	if len(to) == 0 && !s.To.Empty() {
		return nil, nil, emptySelection("to", s.To)
	}
	return on, to, nil
}

func emptySelection(side string, s topology.Selector) error {
	err := EmptySelectionError{side, s}
	if s.AllowEmpty {
		return err
	}
	return errors.New(err.Error())
}

func draw(side string, s topology.Selector, from []topology.Node, seed uint64) ([]topology.Node, error) {
	n := s.Number(len(from), seed)
	switch {
	case len(from) == 0 && s.AllowEmpty:
		return nil, nil
	case len(from) < n:
		return nil, fmt.Errorf("%s: %v wants %d nodes, and %d can be drawn", side, s, n, len(from))
	}
	return topology.Draw(from, n, seed), nil
}

func without(nodes, leaveOut []topology.Node) []topology.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n topology.Node) bool { return slices.Contains(idsOf(leaveOut), n.ID) })
}
