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
	// Jitter varies the delay evenly by up to this much more or less; at most Delay.
	Jitter time.Duration `json:"jitter,omitempty" yaml:"jitter,omitempty"`
	// Direction is whose bytes are slowed: both; to, what `on` sends to `to`;
	// from, what `on` hears. Empty means both.
	Direction Direction `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also slows the clients of a region that is wholly on one side to
	// the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
}

// Validate implements Validator.
func (l *Latency) Validate() error {
	switch {
	case l.Delay <= 0:
		return InvalidField{Field: "delay", Says: "must be more than nothing, such as 100ms"}
	case l.Delay > time.Minute:
		return InvalidField{Field: "delay", Says: "must be at most 1m"}
	case l.Jitter < 0 || l.Jitter > l.Delay:
		return InvalidField{Field: "jitter", Says: fmt.Sprintf("must be between 0s and the delay, %v", l.Delay)}
	}
	return l.Direction.validate()
}

// Inject implements Fault.
func (l *Latency) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	heal, err := disturb(ctx, v, l.Flows(v), links.Effect{Latency: l.Delay, Jitter: l.Jitter, Seed: v.Seed})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Describe(v), err)
	}
	return heal, nil
}

// Flows implements Disturber.
func (l *Latency) Flows(v Victims) []topology.Flow {
	return reach{direction: l.Direction, clients: l.Clients}.streams(v)
}

// FaultImpact implements Fault: slowness takes nothing away.
func (l *Latency) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (l *Latency) Describe(v Victims) string {
	by := l.Delay.String()
	if l.Jitter > 0 {
		by += " ± " + l.Jitter.String()
	}
	return fmt.Sprintf("slow the links of %s by %s (%s)", between(v, l.Clients), by, l.Direction.says())
}

// Active implements Prover: every round trip over every disturbed link is longer
// than its baseline by at least half of what was added.
func (l *Latency) Active(ctx context.Context, v Victims) (string, error) {
	return twice(func() (string, error) {
		return l.judge(l.rounds(ctx, v), v, func(r round, limit time.Duration) error {
			if r.least < limit {
				return fmt.Errorf("less than %v", limit)
			}
			return nil
		})
	})
}

// Cleared implements Prover: the shortest round trip over each link is back near
// its baseline.
func (l *Latency) Cleared(ctx context.Context, v Victims) (string, error) {
	return l.judge(l.rounds(ctx, v), v, near)
}

// ControlUnaffected implements Prover: so it is over an untouched link.
func (l *Latency) ControlUnaffected(ctx context.Context, v Victims) (string, error) {
	n, ok := neighbour(v, l.Flows(v))
	if !ok {
		return "no link is untouched, so none was measured", nil
	}
	return l.judge([]round{l.round(ctx, v, topology.Flow{Link: n, Direction: topology.Upstream})}, v, near)
}

func near(r round, limit time.Duration) error {
	if r.least >= limit {
		return fmt.Errorf("not less than %v", limit)
	}
	return nil
}

// judge compares each link's shortest round trip with its baseline and half of
// what the fault adds.
func (l *Latency) judge(rounds []round, v Victims, ok func(r round, limit time.Duration) error) (string, error) {
	saw := ""
	for _, r := range rounds {
		base := baseline(v, r.link)
		if r.err != nil {
			return "", fmt.Errorf("%s: %w", r.link, r.err)
		}
		line := fmt.Sprintf("round trip over %s is %v (baseline %v)", r.link, r.least, base)
		if err := ok(r, base+l.added(r.flow)/2); err != nil {
			return "", fmt.Errorf("%s, %w", line, err)
		}
		if saw == "" {
			saw = line
		}
	}
	return saw, nil
}

// added is what the fault adds to a round trip, jitter aside.
func (l *Latency) added(f topology.Direction) time.Duration {
	if f == topology.BothWays {
		return 2 * l.Delay
	}
	return l.Delay
}

// looks is how many round trips one measurement takes. They are under way at
// once, so that a measurement lasts no longer than one.
const looks = 3

// round is one measurement of a link.
type round struct {
	link  topology.Link
	flow  topology.Direction
	least time.Duration
	err   error // when not every look came back
}

func (l *Latency) rounds(ctx context.Context, v Victims) []round {
	streams := l.Flows(v)
	out := make([]round, len(streams))
	var wg sync.WaitGroup
	for i, s := range streams {
		wg.Go(func() { out[i] = l.round(ctx, v, s) })
	}
	wg.Wait()
	return out
}

func (l *Latency) round(ctx context.Context, v Victims, s topology.Flow) round {
	samples := measure(slices.Repeat([]topology.Link{s.Link}, looks), func(k topology.Link) links.Sample { return v.Cluster.Links.Echo(ctx, k) })
	r := round{link: s.Link, flow: s.Direction, least: samples[0].RTT}
	for _, x := range samples {
		r.least = min(r.least, x.RTT)
		if x.Err != nil {
			r.err = x.Err
		}
	}
	r.least = r.least.Round(10 * time.Microsecond)
	return r
}
