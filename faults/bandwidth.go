package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Bandwidth narrows every connection between the nodes of `on` and those of
// `to`. Without `to` the other side is every node outside `on`; when `on` is
// every node, each region is narrowed to each other.
type Bandwidth struct {
	// Rate is what each connection carries at most in each direction that
	// Direction names, such as 64KB/s. It must be given, at least 1KB/s.
	Rate Rate `json:"rate" yaml:"rate"`
	// Direction is whose bytes are narrowed: both; to, what `on` sends to `to`;
	// from, what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also narrows the clients of a region that is wholly on one side to
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (b *Bandwidth) scope() scope {
	return scope{direction: b.Direction, clients: b.Clients, clientsOnly: b.ClientsOnly}
}

// Validate implements Validator.
func (b *Bandwidth) Validate() error {
	if b.Rate < kilo {
		return InvalidField{Field: "rate", Message: "must be at least 1KB/s"}
	}
	return b.Direction.validate()
}

// Prepare implements Fault.
func (b *Bandwidth) Prepare(v Victims) Injection {
	return &bandwidthInjection{
		linkInjection: linkInjection{
			victims: v, flows: b.Flows(v), effect: links.Effect{Rate: int64(b.Rate)}, description: b.Describe(v),
		},
		rate: b.Rate,
	}
}

// Flows implements LinkFault.
func (b *Bandwidth) Flows(v Victims) []topology.Flow {
	return b.scope().flows(v)
}

// Impact implements Fault: slowness takes nothing away.
func (b *Bandwidth) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (b *Bandwidth) Describe(v Victims) string {
	return fmt.Sprintf("narrow the links of %s to %s (%s)", b.scope().between(v), b.Rate, b.Direction.describe())
}

type bandwidthInjection struct {
	linkInjection
	rate Rate
	// unit is in how many bytes the rate is kept, with a pause after each; 0 is any number.
	unit  int
	pause time.Duration
}

// Active implements Verifier: over every narrowed link a payload takes at least
// three quarters of the time that it needs at this rate.
func (b *bandwidthInjection) Active(ctx context.Context) (string, error) {
	atLeast := b.payloadTime() * 3 / 4
	slow := func(took time.Duration) error {
		if took < atLeast {
			return fmt.Errorf("less than %v", atLeast)
		}
		return nil
	}
	return confirm(func() (string, bool, error) {
		return b.controlled(ctx, atLeast/2, func() (string, error) { return b.measure(ctx, b.links(), slow) })
	})
}

// Cleared implements Verifier: over every link the payload takes less than half of that time.
func (b *bandwidthInjection) Cleared(ctx context.Context) (string, error) {
	return b.measure(ctx, b.links(), b.fast)
}

// ControlUnaffected implements Verifier: over a link that is not narrowed the
// payload takes less than half of that time.
func (b *bandwidthInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	l, ok := b.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return b.measure(ctx, []topology.Link{l}, b.fast)
}

func (b *bandwidthInjection) fast(took time.Duration) error {
	if limit := b.payloadTime() / 2; took >= limit {
		return fmt.Errorf("not less than %v", limit)
	}
	return nil
}

// payload is how many bytes are sent for a measurement: what the rate lets
// through in 400 ms, but no more than a fast link carries without harm.
func (b *bandwidthInjection) payload() int {
	const maxPayload = 8 << 20
	if b.unit > 0 { // one piece more than there are pauses
		return min(b.unit*(b.pauses()+1), maxPayload)
	}
	return int(min(int64(b.rate)*2/5, maxPayload))
}

// pauses is how many pauses between pieces take 400 ms.
func (b *bandwidthInjection) pauses() int { return max(1, int(400*time.Millisecond/b.pause)) }

// payloadTime is how long the payload needs at this rate, one way.
func (b *bandwidthInjection) payloadTime() time.Duration {
	if b.unit > 0 {
		return time.Duration(b.payload()/b.unit-1) * b.pause
	}
	return time.Duration(float64(b.payload()) / float64(b.rate) * float64(time.Second))
}

// measure sends the payload over links, there and back, and judges how long it
// took beyond the baseline.
func (b *bandwidthInjection) measure(ctx context.Context, over []topology.Link, judge func(time.Duration) error) (string, error) {
	observed := ""
	transfer := func(l topology.Link) links.Sample { return b.victims.Cluster.Links.Transfer(ctx, l, b.payload()) }
	for _, s := range forLinks(over, transfer) {
		if s.Err != nil {
			return "", fmt.Errorf("%s: %w", s.Link, s.Err)
		}
		took := max(0, s.RTT-b.baseline(s.Link)).Round(10 * time.Microsecond)
		line := fmt.Sprintf("%d bytes over %s took %v", b.payload(), s.Link, took)
		if err := judge(took); err != nil {
			return "", fmt.Errorf("%s, %w", line, err)
		}
		if observed == "" {
			observed = line
		}
	}
	return observed, nil
}
