package faults

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// validAfter checks a number of bytes that a connection carries. More could not be
// proved in a moment.
func validAfter(s Size) error {
	if s < 1 || s > 1_000_000 {
		return InvalidField{Field: "after", Message: "must be between 1B and 1MB; a partition in mode hold stalls at once"}
	}
	return nil
}

// afterInjection ends what connections carry after a number of bytes, by a failure
// of the given kind.
type afterInjection struct {
	linkInjection
	after   int
	failure links.ProbeFailure
}

// Active implements Verifier: over every affected link so many bytes pass, and
// twice as many fail as they must.
func (a *afterInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, bool, error) {
		return a.controlled(ctx, cutTimeout/2, func() (string, error) {
			for _, s := range a.transfer(ctx, a.links(), a.after) {
				if s.Err != nil {
					return "", fmt.Errorf("%d bytes over %s: %w", a.after, s.Link, s.Err)
				}
			}
			failures := map[links.ProbeFailure]bool{}
			for _, s := range a.transfer(ctx, a.links(), 2*a.after) {
				switch failure := links.ProbeFailureOf(s.Err); {
				case ctx.Err() != nil:
					return "", ctx.Err()
				case s.Err == nil:
					return "", fmt.Errorf("%d bytes over %s passed in %v", 2*a.after, s.Link, s.RTT)
				case failure != a.failure && !forwarded(s.Link, a.failure, failure):
					return "", fmt.Errorf("%d bytes over %s: want %s: %w", 2*a.after, s.Link, a.failure, s.Err)
				default:
					failures[failure] = true
				}
			}
			return fmt.Sprintf("%d bytes over %s passed, of %d not all: %s", a.after, listLinks(a.links()), 2*a.after, listFailures(failures)), nil
		})
	})
}

// forwarded reports whether a failure is what a client sees of a wanted one through
// an engine that forwards its port: a proxy in between passes an RST on as the end
// of the stream.
func forwarded(l topology.Link, want, seen links.ProbeFailure) bool {
	return l.From.Clients != "" && want == links.WasReset && seen == links.Closed
}

// Cleared implements Verifier: over every link twice as many bytes pass in time.
func (a *afterInjection) Cleared(ctx context.Context) (string, error) {
	return a.passes(ctx, a.links())
}

// ControlUnaffected implements Verifier: over a link that is not affected twice as
// many bytes pass in time.
func (a *afterInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	k, ok := a.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	return a.passes(ctx, []topology.Link{k})
}

func (a *afterInjection) passes(ctx context.Context, over []topology.Link) (string, error) {
	for _, s := range a.transfer(ctx, over, 2*a.after) {
		if s.Err != nil {
			return "", fmt.Errorf("%d bytes over %s: %w", 2*a.after, s.Link, s.Err)
		}
	}
	return fmt.Sprintf("%d bytes over %s passed", 2*a.after, listLinks(over)), nil
}

// transfer sends n bytes over each link and back. It waits cutTimeout longer than
// the baseline of the link.
func (a *afterInjection) transfer(ctx context.Context, over []topology.Link, n int) []links.Sample {
	return forLinks(over, func(k topology.Link) links.Sample {
		mesh := a.victims.Cluster.Links
		within, cancel := context.WithTimeout(ctx, a.baseline(k)+cutTimeout)
		defer cancel()
		return mesh.Transfer(within, k, n)
	})
}
