package faults

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Loss loses packets between the nodes of `on` and those of `to`, as TCP shows it:
// no byte is missing, but a segment that was lost arrives only after it was sent
// again, and keeps back whatever was sent after it on the same connection. Without
// `to` the other side is every node outside `on`; when `on` is every node, packets
// are lost between all regions. Opening a connection is never delayed.
type Loss struct {
	// Percent is how many of a hundred segments of up to 1448 bytes are lost,
	// between 0.5 and 50. It must be given.
	Percent float64 `json:"percent" yaml:"percent"`
	// Retransmit is how long the sender waits before it sends a lost segment
	// again; each further loss of the same segment doubles it. Empty means 200ms,
	// the shortest that Linux waits.
	Retransmit time.Duration `json:"retransmit,omitempty" yaml:"retransmit,omitempty"`
	// Direction is whose bytes are lost: both; to, what `on` sends to `to`; from,
	// what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also takes in the clients of a region that is wholly on one side,
	// towards the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (l *Loss) scope() scope {
	return scope{direction: l.Direction, clients: l.Clients, clientsOnly: l.ClientsOnly}
}

// minRetransmit is the shortest that Linux waits for an acknowledgement.
const minRetransmit = 200 * time.Millisecond

func (l *Loss) retransmit() time.Duration {
	if l.Retransmit == 0 {
		return minRetransmit
	}
	return l.Retransmit
}

// Validate implements Validator.
func (l *Loss) Validate() error {
	switch {
	case !(l.Percent >= 0.5 && l.Percent <= 50):
		return InvalidField{Field: "percent", Message: "must be between 0.5 and 50; what loses more is a partition"}
	case l.retransmit() < minRetransmit/2 || l.retransmit() > 10*time.Second:
		return InvalidField{Field: "retransmit", Message: "must be between 100ms and 10s"}
	}
	return l.Direction.validate()
}

// Prepare implements Fault.
func (l *Loss) Prepare(v Victims) Injection {
	return &lossInjection{
		linkInjection: linkInjection{
			victims: v, flows: l.Flows(v), description: l.Describe(v),
			effect: links.Effect{Loss: l.Percent / 100, Retransmit: l.retransmit(), Seed: v.Seed},
		},
		retransmit: l.retransmit(), payload: l.payload(),
	}
}

// Flows implements LinkFault.
func (l *Loss) Flows(v Victims) []topology.Flow { return l.scope().flows(v) }

// Impact implements Fault: what is lost is sent again, so nothing is taken away.
func (l *Loss) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (l *Loss) Describe(v Victims) string {
	return fmt.Sprintf("lose %v %% of the packets between %s (%s)", l.Percent, l.scope().between(v), l.Direction.describe())
}

// payload is how many bytes are sent for a measurement: so many segments that
// hardly ever all of them arrive at the first attempt.
func (l *Loss) payload() int {
	const segment, missed = 1448, 0.001
	return segment * int(math.Ceil(math.Log(missed)/math.Log(1-l.Percent/100)))
}

type lossInjection struct {
	linkInjection
	retransmit time.Duration
	payload    int
}

// singleEchoes is how many single bytes are sent over each link beside the
// payload. A link over which none comes back in time is cut, not lossy.
const singleEchoes = 12

// Active implements Verifier: over every affected link a payload of many segments
// takes a retransmission longer than without loss, while a single byte passes at once.
func (l *lossInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, bool, error) {
		return l.controlled(ctx, l.retransmit/2, func() (string, error) {
			if err := l.allPass(ctx); err != nil {
				return "", err
			}
			return l.judge(ctx, l.links(), func(k topology.Link, stalled bool) error {
				if !stalled {
					return fmt.Errorf("no packet of %d bytes over %s was lost", l.payload, k)
				}
				return nil
			}, "stalled")
		})
	})
}

// allPass returns nil when over every link a single byte comes back without a retransmission.
func (l *lossInjection) allPass(ctx context.Context) error {
	best := map[topology.Link]time.Duration{}
	for _, s := range forLinks(slices.Repeat(l.links(), singleEchoes), func(k topology.Link) links.Sample {
		within, cancel := context.WithTimeout(ctx, l.victims.Cluster.Links.ExpectedRTT(k))
		defer cancel()
		return l.victims.Cluster.Links.Echo(within, k)
	}) {
		if s.Err == nil && (best[s.Link] == 0 || s.RTT < best[s.Link]) {
			best[s.Link] = s.RTT
		}
	}
	for _, k := range l.links() {
		if best[k] == 0 || best[k] >= l.baseline(k)+l.retransmit {
			return fmt.Errorf("none of %d bytes over %s came back without a retransmission", singleEchoes, k)
		}
	}
	return nil
}

// Cleared implements Verifier: over every link the payload passes without a retransmission.
func (l *lossInjection) Cleared(ctx context.Context) (string, error) { return l.passes(ctx, l.links()) }

// ControlUnaffected implements Verifier: over a link that is not affected the
// payload passes without a retransmission.
func (l *lossInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	k, ok := l.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return l.passes(ctx, []topology.Link{k})
}

func (l *lossInjection) passes(ctx context.Context, over []topology.Link) (string, error) {
	return l.judge(ctx, over, func(k topology.Link, stalled bool) error {
		if stalled {
			return fmt.Errorf("%d bytes over %s took longer than %v", l.payload, k, l.baseline(k)+l.retransmit)
		}
		return nil
	}, "passed")
}

// judge sends the payload over every link at once and judges whether it took a
// retransmission longer than the baseline. It waits no longer than that.
func (l *lossInjection) judge(ctx context.Context, over []topology.Link, judge func(k topology.Link, stalled bool) error, what string) (string, error) {
	for _, s := range forLinks(over, func(k topology.Link) links.Sample {
		within, cancel := context.WithTimeout(ctx, l.baseline(k)+l.retransmit)
		defer cancel()
		return l.victims.Cluster.Links.Transfer(within, k, l.payload)
	}) {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		late := links.ProbeFailureOf(s.Err) == links.Silent
		if s.Err != nil && !late {
			return "", fmt.Errorf("%s: %w", s.Link, s.Err)
		}
		if err := judge(s.Link, late); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d bytes over %s %s (a retransmission takes %v)", l.payload, listLinks(over), what, l.retransmit), nil
}
