package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Wipe ends the victims at once and empties their data folders; at heal they
// are started with nothing. Nobody tells the system: what a victim had promised it
// has forgotten, and unlike with [Replace] it is still a member that votes. That
// is what a site looks like that is rebuilt after a fire.
type Wipe struct{}

// Requires implements Requirer: the data can be wiped.
func (w *Wipe) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// Inject implements Fault.
func (w *Wipe) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return all(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
		start, err := v.Cluster.Hold(ctx, n.ID, cluster.Exited, cluster.Kill)
		if err != nil {
			return nil, err
		}
		disk, err := cluster.DiskOf(v.Cluster.Process(n.ID))
		if err == nil {
			err = disk.Wipe(ctx)
		}
		if err != nil {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
			defer cancel()
			return nil, errors.Join(fmt.Errorf("wipe the data of %s: %w", n.ID, err), start(undo))
		}
		return start, nil
	})
}

// FaultImpact implements Fault.
func (w *Wipe) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (w *Wipe) Describe(v Victims) string {
	return fmt.Sprintf("wipe %s", names(v.Cluster.Topology, v.Nodes))
}

// Active implements Prover: every victim has exited and has nothing on its disk.
func (w *Wipe) Active(ctx context.Context, v Victims) (string, error) {
	saw, err := are(ctx, v, v.Nodes, cluster.Exited)
	if err != nil {
		return "", err
	}
	return saw + ", empty", each(v.Nodes, func(_ int, n topology.Node) error { return blank(ctx, v, n) })
}

// blank returns nil when a node that is down has nothing on its disk.
func blank(ctx context.Context, v Victims, n topology.Node) error {
	disk, err := cluster.DiskOf(v.Cluster.Process(n.ID))
	if err != nil {
		return err
	}
	files, err := disk.Files(ctx)
	if err != nil {
		return fmt.Errorf("data of %s: %w", n.ID, err)
	}
	if len(files) > 0 {
		return fmt.Errorf("%s has %d files on its disk", n.ID, len(files))
	}
	return nil
}

// Cleared implements Prover: every victim runs.
func (w *Wipe) Cleared(ctx context.Context, v Victims) (string, error) {
	return are(ctx, v, v.Nodes, cluster.Running)
}

// ControlUnaffected implements Prover: an untouched node runs.
func (w *Wipe) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return running(ctx, v)
}
