package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Stall lets each connection between the nodes of `on` and those of `to` carry a
// number of bytes and then no more: opening a connection works, and so may a
// greeting, but what is asked after that waits until the heal. A health check that
// only connects sees nothing of it. Without `to` the other side is every node
// outside `on`; when `on` is every node, it is each region to each other.
type Stall struct {
	// After is how many bytes each connection carries in each direction that
	// Direction names, counted from the injection on connections that are open
	// then. It must be given, between 1B and 1MB.
	After Size `json:"after" yaml:"after"`
	// Direction is whose bytes are stalled: both; to, what `on` sends to `to`; from,
	// what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also takes in the clients of a region that is wholly on one side,
	// towards the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (s *Stall) scope() scope {
	return scope{direction: s.Direction, clients: s.Clients, clientsOnly: s.ClientsOnly}
}

// Validate implements Validator.
func (s *Stall) Validate() error {
	if err := validAfter(s.After); err != nil {
		return err
	}
	return s.Direction.validate()
}

// Prepare implements Fault.
func (s *Stall) Prepare(v Victims) Injection {
	return &afterInjection{
		linkInjection: linkInjection{
			victims: v, flows: s.Flows(v), effect: links.Effect{StallAfter: int64(s.After)}, description: s.Describe(v),
		},
		after: int(s.After), failure: links.Silent,
	}
}

// Flows implements LinkFault.
func (s *Stall) Flows(v Victims) []topology.Flow { return s.scope().flows(v) }

// Impact implements Fault. A link that carries only the beginning of a
// conversation cannot be relied on, so it counts as cut.
func (s *Stall) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{CutFlows: s.Flows(v)}
}

// Describe implements Fault.
func (s *Stall) Describe(v Victims) string {
	return fmt.Sprintf("stall every connection between %s after %v (%s)", s.scope().between(v), s.After, s.Direction.describe())
}
