package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// SlowClose delays the end of every connection between the nodes of `on` and those
// of `to`: bytes pass as ever, but that a side has closed is learned late, and until
// then the connection takes its place at the other. Without `to` the other side is
// every node outside `on`; when `on` is every node, it is each region to each other.
type SlowClose struct {
	// Delay is by how much the end comes later, between 100ms and 1m. It must be given.
	Delay time.Duration `json:"delay" yaml:"delay"`
	// Direction is whose bytes are followed by a late end: both; to, what `on` sends to `to`; from,
	// what `on` receives. Empty means both.
	Direction TrafficDirection `json:"direction,omitempty" yaml:"direction,omitempty"`
	// Clients also takes in the clients of a region that is wholly on one side,
	// towards the nodes of the other side.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// ClientsOnly acts on the links of clients alone, see Partition.
	ClientsOnly bool `json:"clientsOnly,omitempty" yaml:"clientsOnly,omitempty"`
}

func (s *SlowClose) scope() scope {
	return scope{direction: s.Direction, clients: s.Clients, clientsOnly: s.ClientsOnly}
}

// Validate implements Validator.
func (s *SlowClose) Validate() error {
	if s.Delay < 100*time.Millisecond || s.Delay > time.Minute {
		return InvalidField{Field: "delay", Message: "must be between 100ms and 1m"}
	}
	return s.Direction.validate()
}

// Prepare implements Fault.
func (s *SlowClose) Prepare(v Victims) Injection {
	return &slowCloseInjection{
		linkInjection: linkInjection{
			victims: v, flows: s.Flows(v), effect: links.Effect{CloseDelay: s.Delay}, description: s.Describe(v),
		},
		delay: s.Delay,
	}
}

// Flows implements LinkFault.
func (s *SlowClose) Flows(v Victims) []topology.Flow { return s.scope().flows(v) }

// Impact implements Fault: bytes pass, so nothing is taken away.
func (s *SlowClose) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (s *SlowClose) Describe(v Victims) string {
	return fmt.Sprintf("delay the end of connections between %s by %v (%s)", s.scope().between(v), s.Delay, s.Direction.describe())
}

type slowCloseInjection struct {
	linkInjection
	delay time.Duration
}

// Active implements Verifier: on every affected link closing takes longer than its
// baseline by at least three quarters of the delay, while a byte passes in less.
func (s *slowCloseInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, bool, error) {
		return s.controlled(ctx, s.delay/2, func() (string, error) {
			for _, e := range s.echo(ctx, s.links()) {
				if e.Err != nil || e.RTT >= s.baseline(e.Link)+s.delay/2 {
					return "", fmt.Errorf("a byte over %s took %v: %v", e.Link, e.RTT, e.Err)
				}
			}
			return s.measure(ctx, s.links(), func(took time.Duration) error {
				if took < s.delay*3/4 {
					return fmt.Errorf("less than %v", s.delay*3/4)
				}
				return nil
			})
		})
	})
}

// Cleared implements Verifier: on every link closing takes less than half of the delay.
func (s *slowCloseInjection) Cleared(ctx context.Context) (string, error) {
	return s.measure(ctx, s.links(), s.fast)
}

// ControlUnaffected implements Verifier: on a link that is not affected closing
// takes less than half of the delay.
func (s *slowCloseInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	k, ok := s.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return s.measure(ctx, []topology.Link{k}, s.fast)
}

func (s *slowCloseInjection) fast(took time.Duration) error {
	if took >= s.delay/2 {
		return fmt.Errorf("not less than %v", s.delay/2)
	}
	return nil
}

// measure closes a connection over each link and judges how long that took beyond
// the baseline.
func (s *slowCloseInjection) measure(ctx context.Context, over []topology.Link, judge func(time.Duration) error) (string, error) {
	if len(over) == 0 {
		return "", errNoLink
	}
	observed := ""
	for _, c := range forLinks(over, func(k topology.Link) links.Sample { return s.victims.Cluster.Links.CloseTime(ctx, k) }) {
		if c.Err != nil {
			return "", fmt.Errorf("close over %s: %w", c.Link, c.Err)
		}
		took := max(0, c.RTT-s.baseline(c.Link)).Round(10 * time.Microsecond)
		line := fmt.Sprintf("closing a connection over %s took %v", c.Link, took)
		if err := judge(took); err != nil {
			return "", fmt.Errorf("%s, %w", line, err)
		}
		if observed == "" {
			observed = line
		}
	}
	return observed, nil
}
