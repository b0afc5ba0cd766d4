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
}

func (p *Partition) cut() cut { return newCut(p.Mode, p.Direction, p.Clients) }

// Validate implements Validator.
func (p *Partition) Validate() error {
	if err := validMode(p.Mode); err != nil {
		return err
	}
	return p.Direction.validate()
}

// Prepare implements Fault.
func (p *Partition) Prepare(v Victims) Injection { return p.cut().prepare(v, p.Describe(v)) }

// Flows implements LinkFault.
func (p *Partition) Flows(v Victims) []topology.Flow { return p.cut().flows(v) }

// Impact implements Fault.
func (p *Partition) Impact(v Victims) topology.FaultImpact { return p.cut().impact(v) }

// Describe implements Fault.
func (p *Partition) Describe(v Victims) string {
	return fmt.Sprintf("partition %s (%s, %s)", between(v, p.Clients), p.cut().mode, p.Direction.describe())
}
