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
	// from, what `on` hears. Empty means both.
	Direction Direction `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also narrows the clients of a region that is wholly on one side to
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
}

// Validate implements Validator.
func (b *Bandwidth) Validate() error {
	if b.Rate < kilo {
		return InvalidField{Field: "rate", Says: "must be at least 1KB/s"}
	}
	return b.Direction.validate()
}

// Inject implements Fault.
func (b *Bandwidth) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	heal, err := disturb(ctx, v, b.Flows(v), links.Effect{Rate: int64(b.Rate)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Describe(v), err)
	}
	return heal, nil
}

// Flows implements Disturber.
func (b *Bandwidth) Flows(v Victims) []topology.Flow {
	return reach{direction: b.Direction, clients: b.Clients}.streams(v)
}

// FaultImpact implements Fault: slowness takes nothing away.
func (b *Bandwidth) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (b *Bandwidth) Describe(v Victims) string {
	return fmt.Sprintf("narrow the links of %s to %s (%s)", between(v, b.Clients), b.Rate, b.Direction.says())
}

// Active implements Prover: over every narrowed link a parcel takes at least
// three quarters of the time that it needs at this rate.
func (b *Bandwidth) Active(ctx context.Context, v Victims) (string, error) {
	least := b.takes() * 3 / 4
	slow := func(took time.Duration) error {
		if took < least {
			return fmt.Errorf("less than %v", least)
		}
		return nil
	}
	return twice(func() (string, error) { return b.weigh(ctx, v, linksOf(b.Flows(v)), slow) })
}

// Cleared implements Prover: over every link the parcel takes less than half of it.
func (b *Bandwidth) Cleared(ctx context.Context, v Victims) (string, error) {
	return b.weigh(ctx, v, linksOf(b.Flows(v)), b.quick)
}

// ControlUnaffected implements Prover: so it does over an untouched link.
func (b *Bandwidth) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	n, ok := neighbour(v, b.Flows(v))
	if !ok {
		return "no link is untouched, so none was measured", nil
	}
	return b.weigh(ctx, v, []topology.Link{n}, b.quick)
}

func (b *Bandwidth) quick(took time.Duration) error {
	if most := b.takes() / 2; took >= most {
		return fmt.Errorf("not less than %v", most)
	}
	return nil
}

// parcel is how many bytes are sent for a measurement: what the rate lets
// through in 400 ms, but no more than does not hurt a fast link.
func (b *Bandwidth) parcel() int {
	const most = 8 << 20
	return int(min(int64(b.Rate)*2/5, most))
}

// takes is how long the parcel needs at this rate, one way.
func (b *Bandwidth) takes() time.Duration {
	return time.Duration(float64(b.parcel()) / float64(b.Rate) * float64(time.Second))
}

// weigh sends the parcel over links, there and back, and judges how long it
// took beyond the baseline.
func (b *Bandwidth) weigh(ctx context.Context, v Victims, over []topology.Link, judge func(time.Duration) error) (string, error) {
	saw := ""
	for _, s := range measure(over, func(l topology.Link) links.Sample { return v.Cluster.Links.Transfer(ctx, l, b.parcel()) }) {
		if s.Err != nil {
			return "", fmt.Errorf("%s: %w", s.Link, s.Err)
		}
		took := max(0, s.RTT-baseline(v, s.Link)).Round(10 * time.Microsecond)
		line := fmt.Sprintf("%d bytes over %s took %v", b.parcel(), s.Link, took)
		if err := judge(took); err != nil {
			return "", fmt.Errorf("%s, %w", line, err)
		}
		if saw == "" {
			saw = line
		}
	}
	return saw, nil
}
