package faults

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// FailsDisks reports whether a fault acts between a node and its disk. A run that
// injects one has a layer there from the start, see cluster.Spec.
func FailsDisks(f Fault) bool {
	switch f.(type) {
	case *DiskFull, *DiskErrors, *SlowDisk, *PowerLoss:
		return true
	}
	return false
}

// diskInjection does something to the disks of the victims. It is proved by what the
// layer has counted since: operations of the victims that it was done to.
type diskInjection struct {
	undo
	victims Victims
	fault   cluster.DiskFault
	// count is what shows the effect, what says so: "writes were refused".
	count func(cluster.DiskCounts) int
	what  string

	mu     sync.Mutex
	before map[topology.NodeID]int
}

// Inject implements Injection.
func (d *diskInjection) Inject(ctx context.Context) error {
	return d.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, d.victims, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
			release, err := d.victims.Cluster.FailDisk(ctx, n.ID, d.fault)
			if err != nil {
				return nil, err
			}
			c, err := diskCounts(ctx, d.victims.Cluster, n)
			if err != nil {
				return release, err
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.before == nil {
				d.before = map[topology.NodeID]int{}
			}
			d.before[n.ID] = d.count(c)
			return release, nil
		})
	})
}

// Heal implements Injection. What was counted before proves nothing afterwards.
func (d *diskInjection) Heal(ctx context.Context) error {
	if err := d.undo.Heal(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = nil
	return nil
}

// Active implements Verifier: every victim has felt it since the injection. One that
// does not use its disk is not affected.
func (d *diskInjection) Active(ctx context.Context) (string, error) {
	if len(d.victims.Nodes) == 0 {
		return "", errNoVictim
	}
	observed := make([]string, len(d.victims.Nodes))
	err := forAll(d.victims.Nodes, func(i int, n topology.Node) error {
		d.mu.Lock()
		before, injected := d.before[n.ID]
		d.mu.Unlock()
		if !injected {
			return fmt.Errorf("nothing is done to the disk of %s", n.ID)
		}
		c, err := diskCounts(ctx, d.victims.Cluster, n)
		if err == nil && d.count(c) <= before {
			err = fmt.Errorf("no %s of %s", d.what, n.ID)
		}
		observed[i] = fmt.Sprintf("%d %s of %s", d.count(c)-before, d.what, n.ID)
		return err
	})
	return summarize(observed), err
}

// diskWindow is how long a disk is watched until it counts as unaffected.
const diskWindow = 300 * time.Millisecond

// Cleared implements Verifier: every victim runs, and for a while nothing is done to
// what it does on its disk.
func (d *diskInjection) Cleared(ctx context.Context) (string, error) {
	return d.sound(ctx, d.victims.Nodes)
}

// ControlUnaffected implements Verifier: nothing is done to the disk of a node that is
// no victim.
func (d *diskInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	n, ok := controlNode(d.victims, others)
	if !ok {
		return noControlNode, nil
	}
	return d.sound(ctx, []topology.Node{n})
}

func (d *diskInjection) sound(ctx context.Context, nodes []topology.Node) (string, error) {
	observed, err := nodesInState(ctx, d.victims.Cluster, nodes, cluster.Running)
	if err != nil {
		return "", err
	}
	err = forAll(nodes, func(_ int, n topology.Node) error {
		before, err := diskCounts(ctx, d.victims.Cluster, n)
		if err != nil {
			return err
		}
		if err := sleep(ctx, diskWindow); err != nil {
			return err
		}
		after, err := diskCounts(ctx, d.victims.Cluster, n)
		if err == nil && d.count(after) > d.count(before) {
			err = fmt.Errorf("%d %s of %s within %v", d.count(after)-d.count(before), d.what, n.ID, diskWindow)
		}
		return err
	})
	return fmt.Sprintf("%s, and for %v no %s", observed, diskWindow, d.what), err
}

func diskCounts(ctx context.Context, c *cluster.Cluster, n topology.Node) (cluster.DiskCounts, error) {
	p := c.Process(n.ID)
	if p == nil {
		return cluster.DiskCounts{}, fmt.Errorf("disk of %s: no such node in this cluster", n.ID)
	}
	d, err := cluster.DiskFaulterOf(p)
	if err != nil {
		return cluster.DiskCounts{}, err
	}
	return d.DiskCounts(ctx)
}
