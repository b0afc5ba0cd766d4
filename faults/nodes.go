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

// hold brings every victim into a condition, all at once, and returns what
// lets them all go.
func hold(ctx context.Context, v Victims, want cluster.ProcessState, how cluster.Signal) (func(context.Context) error, error) {
	return all(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
		return v.Cluster.Hold(ctx, n.ID, want, how)
	})
}

// all does something to every victim, all at once, and returns what undoes it
// for all. If it fails for one it is undone for the others, and for that one if
// do returns an undo with its error.
func all(ctx context.Context, v Victims, do func(context.Context, topology.Node) (undo func(context.Context) error, err error)) (func(context.Context) error, error) {
	undos := make([]func(context.Context) error, len(v.Nodes))
	err := each(v.Nodes, func(i int, n topology.Node) (err error) {
		undos[i], err = do(ctx, n)
		return err
	})
	undo := func(ctx context.Context) error {
		return each(v.Nodes, func(i int, _ topology.Node) error {
			if undos[i] == nil {
				return nil
			}
			return undos[i](ctx)
		})
	}
	if err == nil {
		return undo, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	return nil, errors.Join(err, undo(ctx))
}

// undoLimit bounds the undoing of an injection that failed halfway.
const undoLimit = 15 * time.Second

// each calls f for every node at once and joins the errors.
func each(nodes []topology.Node, f func(int, topology.Node) error) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = f(i, n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// are returns nil when every node is in the condition.
func are(ctx context.Context, v Victims, nodes []topology.Node, want cluster.ProcessState) (string, error) {
	if len(nodes) == 0 {
		return "", errors.New("there is no victim")
	}
	states := make([]string, len(nodes))
	err := each(nodes, func(i int, n topology.Node) error {
		s, err := v.Cluster.Process(n.ID).Status(ctx)
		if err != nil {
			return fmt.Errorf("state of %s: %w", n.ID, err)
		}
		if s.State != want {
			return fmt.Errorf("%s is %s, not %s", n.ID, s.State, want)
		}
		states[i] = fmt.Sprintf("%s is %s", n.ID, s.State)
		if want == cluster.Exited {
			states[i] += fmt.Sprintf(" (code %d)", s.ExitCode)
		}
		return nil
	})
	return few(states), err
}

// running returns nil when a node that no fault is for is running.
func running(ctx context.Context, v Victims) (string, error) {
	down := topology.MergeImpacts(v.Others...).Down
	for _, n := range v.Cluster.Topology.Nodes {
		if slices.Contains(ids(v.Nodes), n.ID) || slices.Contains(down, n.ID) {
			continue
		}
		return are(ctx, v, []topology.Node{n}, cluster.Running)
	}
	return "no node is untouched, so none was looked at", nil
}
