package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// processInjection keeps every victim in a state that a signal brings about, and
// returns it to Running at heal. Faults of nodes embed it and prove more.
type processInjection struct {
	undo
	victims Victims
	state   cluster.ProcessState
	signal  cluster.Signal
}

// Inject implements Injection.
func (p *processInjection) Inject(ctx context.Context) error {
	return p.injectAnd(ctx, func(context.Context, topology.Node) error { return nil })
}

// injectAnd brings every victim into the state and then does something more to
// it. When that fails, every victim is released.
func (p *processInjection) injectAnd(ctx context.Context, more func(context.Context, topology.Node) error) error {
	return p.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, p.victims, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
			release, err := p.victims.Cluster.Hold(ctx, n.ID, p.state, p.signal)
			if err != nil {
				return nil, err
			}
			return release, more(ctx, n)
		})
	})
}

// Active implements Verifier: every victim is in the state.
func (p *processInjection) Active(ctx context.Context) (string, error) {
	return nodesInState(ctx, p.victims.Cluster, p.victims.Nodes, p.state)
}

// Cleared implements Verifier: every victim runs.
func (p *processInjection) Cleared(ctx context.Context) (string, error) {
	return nodesInState(ctx, p.victims.Cluster, p.victims.Nodes, cluster.Running)
}

// ControlUnaffected implements Verifier: a node that is no victim runs.
func (p *processInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	n, ok := controlNode(p.victims, others)
	if !ok {
		return noControlNode, nil
	}
	return nodesInState(ctx, p.victims.Cluster, []topology.Node{n}, cluster.Running)
}

// noControlNode is what ControlUnaffected reports when every node is a victim.
const noControlNode = "every node is affected, so there is no control node to measure"

// controlNodes lists the nodes that are neither victims nor taken down by others.
func controlNodes(v Victims, others []topology.FaultImpact) []topology.Node {
	down := append(ids(v.Nodes), topology.MergeImpacts(others...).Down...)
	return slices.DeleteFunc(slices.Clone(v.Cluster.Topology.Nodes), func(n topology.Node) bool {
		return slices.Contains(down, n.ID)
	})
}

// controlNode returns the first of the controlNodes.
func controlNode(v Victims, others []topology.FaultImpact) (topology.Node, bool) {
	free := controlNodes(v, others)
	if len(free) == 0 {
		return topology.Node{}, false
	}
	return free[0], true
}

// undoTimeout bounds the undoing of an injection that failed halfway.
const undoTimeout = 15 * time.Second

// forEachVictim calls do for every victim at the same time and returns what
// undoes it for all. If do fails for one victim, it is undone for all of them:
// do may return an undo together with its error.
func forEachVictim(ctx context.Context, v Victims, do func(context.Context, topology.Node) (undo func(context.Context) error, err error)) (func(context.Context) error, error) {
	undos := make([]func(context.Context) error, len(v.Nodes))
	err := forAll(v.Nodes, func(i int, n topology.Node) (err error) {
		undos[i], err = do(ctx, n)
		return err
	})
	undo := func(ctx context.Context) error {
		return forAll(v.Nodes, func(i int, _ topology.Node) error {
			if undos[i] == nil {
				return nil
			}
			return undos[i](ctx)
		})
	}
	if err == nil {
		return undo, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	return nil, errors.Join(err, undo(ctx))
}

// forAll calls f for all nodes at the same time and joins the errors.
func forAll(nodes []topology.Node, f func(int, topology.Node) error) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = f(i, n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// nodesInState returns nil when every node is in the state.
func nodesInState(ctx context.Context, c *cluster.Cluster, nodes []topology.Node, want cluster.ProcessState) (string, error) {
	if len(nodes) == 0 {
		return "", errNoVictim
	}
	states := make([]string, len(nodes))
	err := forAll(nodes, func(i int, n topology.Node) error {
		s, err := c.Process(n.ID).Status(ctx)
		if err != nil {
			return fmt.Errorf("state of %s: %w", n.ID, err)
		}
		if s.State != want {
			return fmt.Errorf("%s is %s, want %s", n.ID, s.State, want)
		}
		states[i] = fmt.Sprintf("%s is %s", n.ID, s.State)
		if want == cluster.Exited {
			states[i] += fmt.Sprintf(" (code %d)", s.ExitCode)
		}
		return nil
	})
	return summarize(states), err
}

var errNoVictim = errors.New("the fault has no victim")
