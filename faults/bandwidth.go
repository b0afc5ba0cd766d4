package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/harness/mesh"
	"github.com/mcp-resilience/holdfast/harness/topology"
)

// Bandwidth narrows every connection between the nodes of `on` and those of
// `to`. Without `to` the other side is every node outside `on`; when `on` is
// every node, each region is narrowed to each other.
type Bandwidth struct {
	// Rate is what each connection carries at most in each direction that
	// Direction names, such as 64KB/s. It must be given, at least 1KB/s.
	Rate Rate `json:"rate" yaml:"rate"`
	// Direction is whose bytes are narrowed: both; to, what `on` sends to `to`;
	// from, what `on` hears. Empty means both.
	Direction Direction `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also narrows the clients of a region that is wholly on one side to
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
}

// Validate implements Validator.
func (b *Bandwidth) Validate() error {
	if b.Rate < kilo {
		return Wrong{Field: "rate", Says: "must be at least 1KB/s"}
	}
	return b.Direction.validate()
}

// Inject implements Fault.
func (b *Bandwidth) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	heal, err := disturb(ctx, v, b.Streams(v), mesh.Effect{Rate: int64(b.Rate)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Says(v), err)
	}
	return heal, nil
}

// Streams implements Disturber.
func (b *Bandwidth) Streams(v Victims) []topology.Stream {
	return reach{direction: b.Direction, clients: b.Clients}.streams(v)
}

// Damage implements Fault: slowness takes nothing away.
func (b *Bandwidth) Damage(Victims) topology.Damage { return topology.Damage{} }

// Says implements Fault.
func (b *Bandwidth) Says(v Victims) string {
	return fmt.Sprintf("narrow the links of %s to %s (%s)", between(v, b.Clients), b.Rate, b.Direction.says())
}

// Felt implements Prover: a parcel that needs a while at this rate takes that
// while over every narrowed link.
func (b *Bandwidth) Felt(ctx context.Context, v Victims) (string, error) { return "", ErrNotYet }

// Gone implements Prover: the parcel takes much less over every link.
func (b *Bandwidth) Gone(ctx context.Context, v Victims) (string, error) { return "", ErrNotYet }

// Spared implements Prover: the parcel takes much less over an untouched link.
func (b *Bandwidth) Spared(ctx context.Context, v Victims) (string, error) { return "", ErrNotYet }

// ErrNotYet TODO
var ErrNotYet = fmt.Errorf("not written yet")
