package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Partition cuts the links between the nodes of `on` and those of `to`. Without
// `to` the other side is every node outside `on`; when `on` is every node, each
// region is cut from each other.
type Partition struct {
	// Mode is how a cut link behaves: hold (bytes wait and arrive after heal),
	// blackhole (bytes are lost, connections are closed at heal), refuse (nobody
	// listens) or reset (connections end with RST). Empty means hold.
	Mode links.Mode `json:"mode,omitempty" yaml:"mode,omitempty"`
	// Direction is whose bytes are cut: both; to, what `on` sends to `to`; from,
	// what `on` receives from `to`. Empty means both. With refuse and reset it is
	// who cannot open connections: to means that `on` cannot and loses the
	// connections that it had opened, while those that `to` opened live on.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also cuts the clients of a region that is wholly on one side from
	// the nodes of the other side. False leaves every client connected.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly cuts off clients alone, those of each region in which `on`
	// chooses a node: they lose the nodes of `to`, or all nodes without it. Every
	// link between nodes stays.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (p *Partition) cut() cut {
	c := newCut(p.Mode, p.Direction, p.Clients)
	c.clientsOnly = p.ClientsOnly
	return c
}

func (p *Partition) scope() scope { return p.cut().scope }

// Validate implements Validator.
func (p *Partition) Validate() error {
	if err := validMode(p.Mode); err != nil {
		return err
	}
	if err := p.Direction.validate(); err != nil {
		return err
	}
	if p.ClientsOnly && p.Direction == From && p.cut().opening {
		return InvalidField{Field: "direction", Message: fmt.Sprintf("with clientsOnly and mode %s nothing is cut from: nodes open no connections to clients", p.Mode)}
	}
	return nil
}

// Prepare implements Fault.
func (p *Partition) Prepare(v Victims) Injection { return p.cut().prepare(v, p.Describe(v)) }

// Flows implements LinkFault.
func (p *Partition) Flows(v Victims) []topology.Flow { return p.cut().flows(v) }

// Impact implements Fault.
func (p *Partition) Impact(v Victims) topology.FaultImpact { return p.cut().impact(v) }

// Describe implements Fault.
func (p *Partition) Describe(v Victims) string {
	return fmt.Sprintf("partition %s (%s, %s)", p.scope().between(v), p.cut().mode, p.Direction.describe())
}
