package scenarios

import (
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Pin returns the plan with the steps as they happened in the run: each at the offset
// and with the duration that it had, or after what it had waited for, on the very nodes that had the roles or were drawn then.
// Steps that never began are left out. Several nodes that were chosen so are pinned by
// one step for each node where that has the same effect, and are an error elsewhere.
func Pin(p Plan, r *record.Run) (Plan, error) {
	began, ok := r.Phase(record.Faulty)
	if !ok {
		return p, fmt.Errorf("pin the plan to what happened: the run ended before its first fault could be injected")
	}
	happened := map[string]record.Fault{}
	for _, f := range r.Faults {
		happened[f.ID] = f
	}
	var steps []Step
	for _, s := range p.Steps {
		f, ok := happened[s.ID]
		if !ok || f.Inject.Requested == record.NotReached || f.Error != "" {
			continue
		}
		if s.When.IsZero() { // what waited for something waits for it again
			s.At = max(0, f.Inject.Requested-began.From)
		}
		if f.Heal.Requested != record.NotReached {
			s.For = f.Heal.Requested - max(f.Inject.Requested, f.Inject.Confirmed)
		}
		pinned, err := pin(s, f)
		if err != nil {
			return p, err
		}
		steps = append(steps, pinned...)
	}
	p.Steps = steps
	return p, nil
}

// pin replaces the roles and draws in a step by the nodes that were chosen.
func pin(s Step, f record.Fault) ([]Step, error) {
	if s.To.ResolvedAtInjection() {
		others := remoteEndpoints(f)
		if len(others) != 1 {
			return nil, fmt.Errorf("pin the plan to what happened: step %s went to %d nodes that were chosen at injection (%v); only one can be pinned", s.ID, len(others), others)
		}
		s.To = topology.Selector{Node: others[0]}
	}
	if !s.On.ResolvedAtInjection() {
		return []Step{s}, nil
	}
	if len(f.Nodes) > 1 && len(f.Flows) > 0 {
		// One step for each node would cut these nodes off from each other as well.
		return nil, fmt.Errorf("pin the plan to what happened: step %s cut links of %d nodes chosen by role%s (%v); only one can be pinned", s.ID, len(f.Nodes), map[bool]string{true: " or draw"}[s.On.Draws()], f.Nodes)
	}
	var out []Step
	for i, n := range f.Nodes {
		one := s
		one.On = topology.Selector{Node: n}
		if i > 0 {
			one.ID = fmt.Sprintf("%s-%s", s.ID, n)
		}
		out = append(out, one)
	}
	return out, nil
}

// remoteEndpoints lists the nodes at the other end of the links that a fault affected.
func remoteEndpoints(f record.Fault) []topology.NodeID {
	var out []topology.NodeID
	for _, s := range f.Flows {
		for _, n := range []topology.NodeID{s.Link.From.Node, s.Link.To} {
			if n != "" && !slices.Contains(f.Nodes, n) && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}
