package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Replace ends the victims at once, with their disks: they are killed, their
// data is wiped, and an administrator removes them from the system. At heal they
// are started empty and added again, and have to catch up. Data of a victim that
// no other node has is lost for good.
type Replace struct{}

// Requires implements CapabilityChecker: the data can be wiped.
func (r *Replace) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// RequiresOf implements ClusterCapabilityChecker: the target can change its members.
func (r *Replace) RequiresOf(c *cluster.Cluster) error {
	_, err := c.Membership()
	return err
}

// Prepare implements Fault.
func (r *Replace) Prepare(v Victims) Injection {
	return &replaceInjection{processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill}}
}

// Impact implements Fault.
func (r *Replace) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (r *Replace) Describe(v Victims) string {
	return fmt.Sprintf("replace %s", names(v.Cluster.Topology, v.Nodes))
}

type replaceInjection struct{ processInjection }

// Inject implements Injection.
func (r *replaceInjection) Inject(ctx context.Context) error {
	v := r.victims
	if _, err := v.Cluster.Membership(); err != nil {
		return err
	}
	return r.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
			start, err := v.Cluster.Hold(ctx, n.ID, r.state, r.signal)
			if err != nil {
				return nil, err
			}
			readmit, err := removeWithData(ctx, v.Cluster, n)
			if err != nil {
				return start, err
			}
			// The node runs before it is added: a member that does not answer slows down those that do.
			return func(ctx context.Context) error { return errors.Join(start(ctx), readmit(ctx)) }, nil
		})
	})
}

// removeWithData takes a dead node's membership and its data.
func removeWithData(ctx context.Context, c *cluster.Cluster, n topology.Node) (readmit func(context.Context) error, err error) {
	disk, err := cluster.DiskOf(c.Process(n.ID))
	if err != nil {
		return nil, err
	}
	// Membership goes first: an empty node that still votes could contradict its earlier votes.
	if readmit, err = c.RemoveMember(ctx, n.ID); err != nil {
		return nil, err
	}
	if err := disk.Wipe(ctx); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("wipe the data of %s: %w", n.ID, err), readmit(undo))
	}
	return readmit, nil
}

// Active implements Verifier: every victim has exited, has nothing on its disk and is no member.
func (r *replaceInjection) Active(ctx context.Context) (string, error) {
	observed, err := r.processInjection.Active(ctx)
	if err != nil {
		return "", err
	}
	err = forAll(r.victims.Nodes, func(_ int, n topology.Node) error {
		if err := dataEmpty(ctx, r.victims.Cluster, n); err != nil {
			return err
		}
		return checkMembership(ctx, r.victims.Cluster, n, false)
	})
	return observed + ", empty and no member", err
}

// Cleared implements Verifier: every victim runs and is a member that has caught up.
func (r *replaceInjection) Cleared(ctx context.Context) (string, error) {
	return runAsMembers(ctx, r.victims.Cluster, r.victims.Nodes)
}

// ControlUnaffected implements Verifier: a node that is no victim runs and is a member.
func (r *replaceInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	n, ok := controlNode(r.victims, others)
	if !ok {
		return noControlNode, nil
	}
	return runAsMembers(ctx, r.victims.Cluster, []topology.Node{n})
}

// runAsMembers returns nil when every node runs and is a member that has caught up.
func runAsMembers(ctx context.Context, c *cluster.Cluster, nodes []topology.Node) (string, error) {
	observed, err := nodesInState(ctx, c, nodes, cluster.Running)
	if err != nil {
		return "", err
	}
	err = forAll(nodes, func(_ int, n topology.Node) error { return checkMembership(ctx, c, n, true) })
	return observed + ", a member and caught up", err
}

// checkMembership returns nil when a node is a member, or is not, as wanted.
func checkMembership(ctx context.Context, c *cluster.Cluster, n topology.Node, want bool) error {
	admin, err := c.Membership()
	if err != nil {
		return err
	}
	is, err := admin.IsMember(ctx, n.ID)
	switch {
	case err != nil:
		return fmt.Errorf("membership of %s: %w", n.ID, err)
	case is && !want:
		return fmt.Errorf("%s is a member", n.ID)
	case !is && want:
		return fmt.Errorf("%s is not a member that has caught up", n.ID)
	}
	return nil
}
