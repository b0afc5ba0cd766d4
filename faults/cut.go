package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// cut is what Partition and Isolate have in common: flows that carry nothing.
type cut struct {
	scope
	mode links.Mode
}

func newCut(m links.Mode, d Direction, clients bool) cut {
	if m == "" {
		m = links.Hold
	}
	opening := m == links.Refuse || m == links.Reset // connections end as a whole, whichever way their bytes flow
	return cut{scope{direction: d, clients: clients, opening: opening}, m}
}

func validMode(m links.Mode) error {
	return oneOf("mode", string(m), "", string(links.Hold), string(links.Blackhole), string(links.Refuse), string(links.Reset))
}

func (c cut) prepare(v Victims, description string) Injection {
	return &cutInjection{linkInjection{victims: v, flows: c.flows(v), effect: links.Effect{Cut: c.mode}, description: description}}
}

func (c cut) impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{CutFlows: c.flows(v)}
}

type cutInjection struct{ linkInjection }

// Active implements Verifier: no link that is cut echoes.
func (c *cutInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, error) { return c.probeCut(ctx) })
}

// cutTimeout is how long an echo may take beyond the link's baseline before the
// link counts as cut.
const cutTimeout = 400 * time.Millisecond

// probeCut measures every link once and returns nil when none echoes. A probe
// that could not be made proves nothing.
func (c *cutInjection) probeCut(ctx context.Context) (string, error) {
	var echoing []string
	failures := map[links.ProbeFailure]bool{}
	samples := forLinks(c.links(), func(k topology.Link) links.Sample {
		ctx, cancel := context.WithTimeout(ctx, cutTimeout+c.baseline(k))
		defer cancel()
		return c.victims.Cluster.Links.Echo(ctx, k)
	})
	for _, s := range samples {
		failure := links.ProbeFailureOf(s.Err)
		switch {
		case s.Err == nil:
			echoing = append(echoing, fmt.Sprintf("%s echoes in %v", s.Link, s.RTT.Round(time.Microsecond)))
		case failure == "" || failure == links.Other:
			return "", fmt.Errorf("probe of %s: %w", s.Link, s.Err)
		}
		failures[failure] = true
	}
	if err := ctx.Err(); err != nil { // the probes failed because they were cancelled, not because of the cut
		return "", err
	}
	if len(echoing) > 0 || len(samples) == 0 {
		return "", fmt.Errorf("%d of %d links are not cut: %s", len(echoing), len(samples), summarize(echoing))
	}
	return fmt.Sprintf("no echo over %s: %s", listLinks(c.links()), listFailures(failures)), nil
}

// Cleared implements Verifier: every link that was cut echoes.
func (c *cutInjection) Cleared(ctx context.Context) (string, error) {
	if err := allEcho(c.echo(ctx, c.links())); err != nil {
		return "", err
	}
	return fmt.Sprintf("echo over %s", listLinks(c.links())), nil
}

// ControlUnaffected implements Verifier: a link that was not cut echoes.
func (c *cutInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	l, ok := c.controlLink(others)
	if !ok {
		return noControlLink, nil
	}
	s := c.echo(ctx, []topology.Link{l})
	if err := allEcho(s); err != nil {
		return "", fmt.Errorf("control link: %w", err)
	}
	return fmt.Sprintf("%s echoes in %v", l, s[0].RTT.Round(time.Microsecond)), nil
}

// allEcho returns an error that names the links that gave no echo.
func allEcho(samples []links.Sample) error {
	var silent []string
	for _, s := range samples {
		if s.Err != nil {
			silent = append(silent, fmt.Sprintf("%s: %v", s.Link, s.Err))
		}
	}
	if len(silent) > 0 {
		return fmt.Errorf("no echo over %d of %d links: %s", len(silent), len(samples), summarize(silent))
	}
	return nil
}

func listFailures(failures map[links.ProbeFailure]bool) string {
	var out []string
	for _, f := range slices.Sorted(maps.Keys(failures)) {
		out = append(out, string(f))
	}
	return strings.Join(out, ", ")
}
