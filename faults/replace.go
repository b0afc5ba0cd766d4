package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Replace ends the victims at once, with their disks: they are killed, their
// data is wiped, and the system's operator removes them from it. At heal they are
// started empty and added again, and have to catch up. The data of a victim that
// no other node has is lost for good.
type Replace struct{}

// Requires implements Requirer: the data can be wiped.
func (r *Replace) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// RequiresOf implements ClusterRequirer: the target can change its members.
func (r *Replace) RequiresOf(c *cluster.Cluster) error {
	_, err := c.Membership()
	return err
}

// Inject implements Fault.
func (r *Replace) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	if err := r.RequiresOf(v.Cluster); err != nil {
		return nil, err
	}
	return all(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
		start, err := v.Cluster.Hold(ctx, n.ID, cluster.Exited, cluster.Kill)
		if err != nil {
			return nil, err
		}
		readmit, err := r.away(ctx, v, n)
		if err != nil {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
			defer cancel()
			return nil, errors.Join(err, start(undo))
		}
		// First it runs, then it is added: whoever is added and does not answer weighs on those that do.
		return func(ctx context.Context) error { return errors.Join(start(ctx), readmit(ctx)) }, nil
	})
}

// away takes a dead node's data and its membership.
func (r *Replace) away(ctx context.Context, v Victims, n topology.Node) (readmit func(context.Context) error, err error) {
	disk, err := cluster.DiskOf(v.Cluster.Process(n.ID))
	if err != nil {
		return nil, err
	}
	// Removed first: an empty node that still votes could betray what it promised.
	if readmit, err = v.Cluster.RemoveMember(ctx, n.ID); err != nil {
		return nil, err
	}
	if err := disk.Wipe(ctx); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("data of %s: %w", n.ID, err), readmit(undo))
	}
	return readmit, nil
}

// FaultImpact implements Fault.
func (r *Replace) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (r *Replace) Describe(v Victims) string {
	return fmt.Sprintf("replace %s", names(v.Cluster.Topology, v.Nodes))
}

// Active implements Prover: every victim has exited, has nothing on its disk and is no member.
func (r *Replace) Active(ctx context.Context, v Victims) (string, error) {
	saw, err := are(ctx, v, v.Nodes, cluster.Exited)
	if err != nil {
		return "", err
	}
	err = each(v.Nodes, func(_ int, n topology.Node) error {
		if err := blank(ctx, v, n); err != nil {
			return err
		}
		return r.membership(ctx, v, n, false)
	})
	return saw + ", empty and no member", err
}

// Cleared implements Prover: every victim runs and is a member that has caught up.
func (r *Replace) Cleared(ctx context.Context, v Victims) (string, error) {
	saw, err := are(ctx, v, v.Nodes, cluster.Running)
	if err != nil {
		return "", err
	}
	err = each(v.Nodes, func(_ int, n topology.Node) error { return r.membership(ctx, v, n, true) })
	return saw + ", a member and caught up", err
}

// membership returns nil when a node is a member, or is not, as wanted.
func (r *Replace) membership(ctx context.Context, v Victims, n topology.Node, want bool) error {
	o, err := v.Cluster.Membership()
	if err != nil {
		return err
	}
	is, err := o.IsMember(ctx, n.ID)
	switch {
	case err != nil:
		return fmt.Errorf("membership of %s: %w", n.ID, err)
	case is && !want:
		return fmt.Errorf("%s is a member", n.ID)
	case !is && want:
		return fmt.Errorf("%s is no member that has caught up", n.ID)
	}
	return nil
}

// ControlUnaffected implements Prover: an untouched node runs and is a member.
func (r *Replace) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	down := topology.MergeImpacts(v.Others...).Down
	for _, n := range v.Cluster.Topology.Nodes {
		if slices.Contains(ids(v.Nodes), n.ID) || slices.Contains(down, n.ID) {
			continue
		}
		return r.Cleared(ctx, Victims{Cluster: v.Cluster, Nodes: []topology.Node{n}})
	}
	return "no node is untouched, so none was looked at", nil
}
