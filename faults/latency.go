package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Latency adds a delay to every byte between the nodes of `on` and those of
// `to`, on top of the topology's own. Without `to` the other side is every node
// outside `on`; when `on` is every node, each region is slowed to each other.
type Latency struct {
	// Delay is added to each direction that Direction names. It must be given.
	Delay time.Duration `json:"delay" yaml:"delay"`
	// Jitter varies the delay; at most Delay. How is said by Distribution.
	Jitter time.Duration `json:"jitter,omitempty" yaml:"jitter,omitempty"`
	// Distribution is that of the jitter: uniform, evenly up to Jitter more or
	// less; normal, with Jitter as the standard deviation, cut off at three times
	// that; pareto, never less than Delay, Jitter more on average and rarely up to
	// twenty times that. Empty means uniform.
	Distribution links.Distribution `json:"distribution,omitempty" yaml:"distribution,omitempty"`
	// Direction is whose bytes are slowed: both; to, what `on` sends to `to`;
	// from, what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also slows the clients of a region that is wholly on one side to
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (l *Latency) scope() scope {
	return scope{direction: l.Direction, clients: l.Clients, clientsOnly: l.ClientsOnly}
}

// Validate implements Validator.
func (l *Latency) Validate() error {
	switch {
	case l.Delay <= 0:
		return InvalidField{Field: "delay", Message: "must be more than nothing, such as 100ms"}
	case l.Delay > time.Minute:
		return InvalidField{Field: "delay", Message: "must be at most 1m"}
	case l.Jitter < 0 || l.Jitter > l.Delay:
		return InvalidField{Field: "jitter", Message: fmt.Sprintf("must be between 0s and the delay, %v", l.Delay)}
	}
	if err := oneOf("distribution", string(l.Distribution), append([]string{""}, l.Distribution.Values()...)...); err != nil {
		return err
	}
	if l.Distribution != "" && l.Jitter == 0 {
		return InvalidField{Field: "distribution", Message: "is that of the jitter, and there is none: give jitter"}
	}
	return l.Direction.validate()
}

// Prepare implements Fault.
func (l *Latency) Prepare(v Victims) Injection {
	return &latencyInjection{
		linkInjection: linkInjection{
			victims: v, flows: l.Flows(v), description: l.Describe(v),
			effect: links.Effect{Latency: l.Delay, Jitter: l.Jitter, Distribution: l.Distribution, Seed: v.Seed},
		},
		delay: l.Delay,
	}
}

// Flows implements LinkFault.
func (l *Latency) Flows(v Victims) []topology.Flow {
	return l.scope().flows(v)
}

// Impact implements Fault: slowness takes nothing away.
func (l *Latency) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (l *Latency) Describe(v Victims) string {
	by := l.Delay.String()
	if l.Jitter > 0 {
		by += " ± " + l.Jitter.String()
		if l.Distribution != "" && l.Distribution != links.Uniform {
			by += " " + string(l.Distribution)
		}
	}
	return fmt.Sprintf("slow the links of %s by %s (%s)", l.scope().between(v), by, l.Direction.describe())
}

type latencyInjection struct {
	linkInjection
	delay time.Duration
}

// Active implements Verifier: every round trip over every affected link is longer
// than its baseline by at least half of what was added.
func (l *latencyInjection) Active(ctx context.Context) (string, error) {
	slow := func(r roundTrips, limit time.Duration) error {
		if r.shortest < limit {
			return fmt.Errorf("less than %v", limit)
		}
		return nil
	}
	return confirm(func() (string, bool, error) {
		return l.controlled(ctx, l.delay/2, func() (string, error) { return l.judge(l.measure(ctx, l.flows), slow) })
	})
}

// Cleared implements Verifier: the shortest round trip over each link is back near
// its baseline.
func (l *latencyInjection) Cleared(ctx context.Context) (string, error) {
	return l.judge(l.measure(ctx, l.flows), nearBaseline)
}

// ControlUnaffected implements Verifier: the shortest round trip over a link that
// is not affected is near its baseline.
func (l *latencyInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	k, ok := l.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return l.judge(l.measure(ctx, []topology.Flow{{Link: k, Direction: topology.Upstream}}), nearBaseline)
}

func nearBaseline(r roundTrips, limit time.Duration) error {
	if r.shortest >= limit {
		return fmt.Errorf("not less than %v", limit)
	}
	return nil
}

// judge compares each link's shortest round trip with its baseline and half of
// what the fault adds.
func (l *latencyInjection) judge(measured []roundTrips, judge func(r roundTrips, limit time.Duration) error) (string, error) {
	observed := ""
	for _, r := range measured {
		base := l.baseline(r.Link)
		if r.err != nil {
			return "", fmt.Errorf("%s: %w", r.Link, r.err)
		}
		line := fmt.Sprintf("round trip over %s is %v (baseline %v)", r.Link, r.shortest, base)
		if err := judge(r, base+l.added(r.Direction)/2); err != nil {
			return "", fmt.Errorf("%s, %w", line, err)
		}
		if observed == "" {
			observed = line
		}
	}
	return observed, nil
}

// added is what the fault adds to a round trip, jitter aside.
func (l *latencyInjection) added(d topology.Direction) time.Duration {
	if d == topology.BothWays {
		return 2 * l.delay
	}
	return l.delay
}

// tripsPerMeasurement is how many round trips one measurement takes of each link.
// They are made at the same time, so that a measurement lasts no longer than one.
const tripsPerMeasurement = 3

// roundTrips is one measurement of a link.
type roundTrips struct {
	topology.Flow
	shortest time.Duration
	err      error // when one of them did not come back
}

// measure takes round trips over the links of all flows at the same time.
func (l *latencyInjection) measure(ctx context.Context, flows []topology.Flow) []roundTrips {
	out := make([]roundTrips, len(flows))
	var wg sync.WaitGroup
	for i, f := range flows {
		wg.Go(func() { out[i] = l.measureFlow(ctx, f) })
	}
	wg.Wait()
	return out
}

func (l *latencyInjection) measureFlow(ctx context.Context, f topology.Flow) roundTrips {
	samples := l.echo(ctx, slices.Repeat([]topology.Link{f.Link}, tripsPerMeasurement))
	r := roundTrips{Flow: f, shortest: samples[0].RTT}
	for _, s := range samples {
		r.shortest = min(r.shortest, s.RTT)
		if s.Err != nil {
			r.err = s.Err
		}
	}
	r.shortest = r.shortest.Round(10 * time.Microsecond)
	return r
}
