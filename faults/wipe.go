package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Wipe ends the victims at once and empties their data folders; at heal they
// are started with nothing. The system is not informed: a victim has lost what it
// had promised to its peers, and unlike with [Replace] it is still a member with
// a vote. A site that is rebuilt after a fire looks like this.
type Wipe struct{}

// Requires implements CapabilityChecker: the data can be wiped.
func (w *Wipe) Requires(p cluster.Process) error {
	_, err := cluster.DiskOf(p)
	return err
}

// Prepare implements Fault.
func (w *Wipe) Prepare(v Victims) Injection {
	return &wipeInjection{processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill}}
}

// Impact implements Fault.
func (w *Wipe) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (w *Wipe) Describe(v Victims) string {
	return fmt.Sprintf("wipe %s", names(v.Cluster.Topology, v.Nodes))
}

type wipeInjection struct{ processInjection }

// Inject implements Injection.
func (w *wipeInjection) Inject(ctx context.Context) error {
	return w.injectAnd(ctx, func(ctx context.Context, n topology.Node) error {
		disk, err := cluster.DiskOf(w.victims.Cluster.Process(n.ID))
		if err == nil {
			err = disk.Wipe(ctx)
		}
		if err != nil {
			return fmt.Errorf("wipe the data of %s: %w", n.ID, err)
		}
		return nil
	})
}

// Active implements Verifier: every victim has exited and has nothing on its disk.
func (w *wipeInjection) Active(ctx context.Context) (string, error) {
	observed, err := w.processInjection.Active(ctx)
	if err != nil {
		return "", err
	}
	return observed + ", empty", forAll(w.victims.Nodes, func(_ int, n topology.Node) error { return dataEmpty(ctx, w.victims.Cluster, n) })
}

// dataEmpty returns nil when a node that is down has nothing on its disk.
func dataEmpty(ctx context.Context, c *cluster.Cluster, n topology.Node) error {
	disk, err := cluster.DiskOf(c.Process(n.ID))
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
