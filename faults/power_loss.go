package faults

import (
	"context"
	"fmt"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// PowerLoss ends the victims at once (SIGKILL) and takes away every write that they
// had not synced, as when a machine loses its power: what a killed process had given
// to the kernel stays, what a machine had given to its memory does not. They are
// started again at heal with what is left. That a file was made, renamed or removed
// is not taken back.
type PowerLoss struct{}

// Requires implements CapabilityChecker: there is a layer between the node and its disk.
func (p *PowerLoss) Requires(node cluster.Process) error {
	_, err := cluster.DiskFaulterOf(node)
	return err
}

// Prepare implements Fault.
func (p *PowerLoss) Prepare(v Victims) Injection {
	return &powerLossInjection{processInjection: processInjection{victims: v, state: cluster.Exited, signal: cluster.Kill}}
}

// Impact implements Fault.
func (p *PowerLoss) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (p *PowerLoss) Describe(v Victims) string {
	return fmt.Sprintf("cut the power of %s", names(v.Cluster.Topology, v.Nodes))
}

type powerLossInjection struct {
	processInjection
	mu   sync.Mutex
	lost map[topology.NodeID]int // writes
}

// Inject implements Injection. A victim is dead before its writes are taken away.
func (p *powerLossInjection) Inject(ctx context.Context) error {
	return p.injectAnd(ctx, func(ctx context.Context, n topology.Node) error {
		d, err := cluster.DiskFaulterOf(p.victims.Cluster.Process(n.ID))
		if err != nil {
			return err
		}
		writes, err := d.LosePower(ctx)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lost == nil {
			p.lost = map[topology.NodeID]int{}
		}
		p.lost[n.ID] = writes
		return nil
	})
}

// Active implements Verifier: every victim has exited, and nothing on its disk is
// unsynced any more.
func (p *powerLossInjection) Active(ctx context.Context) (string, error) {
	observed, err := p.processInjection.Active(ctx)
	if err != nil {
		return "", err
	}
	writes := 0
	err = forAll(p.victims.Nodes, func(_ int, n topology.Node) error {
		p.mu.Lock()
		lost, done := p.lost[n.ID]
		writes += lost
		p.mu.Unlock()
		if !done {
			return fmt.Errorf("nothing was taken away from %s", n.ID)
		}
		c, err := diskCounts(ctx, p.victims.Cluster, n)
		if err == nil && c.Unsynced > 0 {
			err = fmt.Errorf("%d writes of %s are on disk and were not synced", c.Unsynced, n.ID)
		}
		return err
	})
	return fmt.Sprintf("%s; writes lost because they were not synced: %d", observed, writes), err
}
