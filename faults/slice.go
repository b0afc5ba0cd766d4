package faults

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Slice writes what passes between the nodes of `on` and those of `to` in small
// pieces with a pause after each, so that a reader gets a message in parts and has
// to put them together. Without `to` the other side is every node outside `on`;
// when `on` is every node, it is each region to each other.
type Slice struct {
	// Size is how many bytes are written at a time, between 1B and 64KB. It must be given.
	Size Size `json:"size" yaml:"size"`
	// Delay is the pause between two pieces, between 1ms and 1s. Empty means 10ms.
	Delay time.Duration `json:"delay,omitempty" yaml:"delay,omitempty"`
	// Direction is whose bytes are sliced: both; to, what `on` sends to `to`; from,
	// what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also takes in the clients of a region that is wholly on one side,
	// towards the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (s *Slice) scope() scope {
	return scope{direction: s.Direction, clients: s.Clients, clientsOnly: s.ClientsOnly}
}

func (s *Slice) delay() time.Duration {
	if s.Delay == 0 {
		return 10 * time.Millisecond
	}
	return s.Delay
}

// Validate implements Validator.
func (s *Slice) Validate() error {
	switch {
	case s.Size < 1 || s.Size > 64_000:
		return InvalidField{Field: "size", Message: "must be between 1B and 64KB"}
	case s.delay() < time.Millisecond || s.delay() > time.Second:
		return InvalidField{Field: "delay", Message: "must be between 1ms and 1s"}
	}
	return s.Direction.validate()
}

// Prepare implements Fault. The pauses limit how much passes in a time, so a
// transfer proves them as it proves a narrow link.
func (s *Slice) Prepare(v Victims) Injection {
	return &bandwidthInjection{
		linkInjection: linkInjection{
			victims: v, flows: s.Flows(v), effect: links.Effect{SliceSize: int64(s.Size), SliceDelay: s.delay()}, description: s.Describe(v),
		},
		unit: int(s.Size), pause: s.delay(),
	}
}

// Flows implements LinkFault.
func (s *Slice) Flows(v Victims) []topology.Flow { return s.scope().flows(v) }

// Impact implements Fault: slowness takes nothing away.
func (s *Slice) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (s *Slice) Describe(v Victims) string {
	return fmt.Sprintf("slice what passes between %s into %v every %v (%s)", s.scope().between(v), s.Size, s.delay(), s.Direction.describe())
}
