package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// ResetAfter ends every connection between the nodes of `on` and those of `to` in
// an RST at both ends once it has carried a number of bytes, as a middlebox does
// that drops what it has forgotten: short messages pass, long ones never do.
// Without `to` the other side is every node outside `on`; when `on` is every node,
// it is each region to each other.
type ResetAfter struct {
	// After is how many bytes each connection carries in each direction that
	// Direction names; the next one resets it. On connections that are open at the
	// injection it counts from then. It must be given, between 1B and 1MB.
	After Size `json:"after" yaml:"after"`
	// Direction is whose bytes are counted: both; to, what `on` sends to `to`; from,
	// what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also takes in the clients of a region that is wholly on one side,
	// towards the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (r *ResetAfter) scope() scope {
	return scope{direction: r.Direction, clients: r.Clients, clientsOnly: r.ClientsOnly}
}

// Validate implements Validator.
func (r *ResetAfter) Validate() error {
	if err := validAfter(r.After); err != nil {
		return err
	}
	return r.Direction.validate()
}

// Prepare implements Fault.
func (r *ResetAfter) Prepare(v Victims) Injection {
	return &afterInjection{
		linkInjection: linkInjection{
			victims: v, flows: r.Flows(v), effect: links.Effect{ResetAfter: int64(r.After)}, description: r.Describe(v),
		},
		after: int(r.After), failure: links.WasReset,
	}
}

// Flows implements LinkFault.
func (r *ResetAfter) Flows(v Victims) []topology.Flow { return r.scope().flows(v) }

// Impact implements Fault. Connections can be opened again at once, so nothing is
// taken away from who does that.
func (r *ResetAfter) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (r *ResetAfter) Describe(v Victims) string {
	return fmt.Sprintf("reset every connection between %s after %v (%s)", r.scope().between(v), r.After, r.Direction.describe())
}
