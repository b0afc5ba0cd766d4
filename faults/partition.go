package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Partition cuts the links between the nodes of `on` and those of `to`. Without
// `to` the other side is every node outside `on`; when `on` is every node, each
// region is cut from each other.
type Partition struct {
	// Mode is how a cut link behaves: hold (bytes wait and arrive after heal),
	// blackhole (bytes are lost, connections die at heal), refuse (nobody
	// listens) or reset (connections are torn). Empty means hold.
	Mode links.Mode `json:"mode,omitempty" yaml:"mode,omitempty"`
	// Direction is whose bytes are cut: both; to, what `on` sends to `to`; from,
	// what `on` hears from `to`. Empty means both. With refuse and reset it is
	// who cannot open connections: to means that `on` cannot, and both ways of a
	// connection it has are gone, while those that `to` opened live on.
	Direction Direction `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also cuts the clients of a region that is wholly on one side from
	// the nodes of the other side. False leaves every client connected.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
}

func (p *Partition) cut() cut { return newCut(p.Mode, p.Direction, p.Clients) }

// Validate implements Validator.
func (p *Partition) Validate() error {
	if err := validMode(p.Mode); err != nil {
		return err
	}
	return p.Direction.validate()
}

// Inject implements Fault.
func (p *Partition) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	heal, err := p.cut().inject(ctx, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Describe(v), err)
	}
	return heal, nil
}

// Flows implements Disturber.
func (p *Partition) Flows(v Victims) []topology.Flow { return p.cut().streams(v) }

// FaultImpact implements Fault.
func (p *Partition) Impact(v Victims) topology.FaultImpact { return p.cut().damage(v) }

// Describe implements Fault.
func (p *Partition) Describe(v Victims) string {
	return fmt.Sprintf("partition %s (%s, %s)", between(v, p.Clients), p.cut().mode, p.Direction.says())
}

// Active implements Prover: no link that is cut echoes.
func (p *Partition) Active(ctx context.Context, v Victims) (string, error) {
	return p.cut().felt(ctx, v)
}

// Cleared implements Prover: every link that was cut echoes.
func (p *Partition) Cleared(ctx context.Context, v Victims) (string, error) {
	return p.cut().gone(ctx, v)
}

// ControlUnaffected implements Prover: a link that was not cut echoes.
func (p *Partition) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	return p.cut().spared(ctx, v)
}
