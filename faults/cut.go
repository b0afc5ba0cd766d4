package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/topology"
)

// cut is what Partition and Isolate have in common: flows that carry nothing.
type cut struct {
	scope
	mode links.Mode
}

func newCut(m links.Mode, d TrafficDirection, clients bool) cut {
	if m == "" {
		m = links.Hold
	}
	opening := m == links.Refuse || m == links.Reset // connections end as a whole, whichever way their bytes flow
	return cut{scope{direction: d, clients: clients, opening: opening}, m}
}

func validMode(m links.Mode) error {
	return oneOf("mode", string(m), append([]string{""}, m.Values()...)...)
}

func (c cut) prepare(v Victims, description string) Injection { return c.newInjection(v, description) }

func (c cut) newInjection(v Victims, description string) *cutInjection {
	return &cutInjection{linkInjection{victims: v, flows: c.flows(v), effect: links.Effect{Cut: c.mode}, description: description}}
}

func (c cut) impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{CutFlows: c.flows(v)}
}

type cutInjection struct{ linkInjection }

// Active implements Verifier: no link that is cut echoes.
func (c *cutInjection) Active(ctx context.Context) (string, error) {
	return confirm(func() (string, bool, error) { return c.probeCut(ctx) })
}

const (
	// cutTimeout is how long an echo may take beyond the delays on its link before
	// the link counts as cut, when nothing is known of how busy the machine is.
	cutTimeout = 400 * time.Millisecond
	// minSilence is how long it may take at least when that is known: then it is
	// silenceFactor times as long as the slowest echo beside the links.
	minSilence    = 60 * time.Millisecond
	silenceFactor = 5
)

// probeCut measures every link once and returns nil when none echoes. A probe
// that could not be made proves nothing. The result is conclusive when it does
// not only look so because the machine stands still.
func (c *cutInjection) probeCut(ctx context.Context) (observed string, conclusive bool, err error) {
	over := c.links()
	if len(over) == 0 {
		return "", false, errNoLink
	}
	mesh := c.victims.Cluster.Links
	var expected time.Duration
	for _, k := range over {
		expected = max(expected, mesh.ExpectedRTT(k))
	}
	probing, cancel := context.WithTimeout(ctx, expected+cutTimeout)
	results := make(chan links.Sample, len(over))
	var probes sync.WaitGroup
	for _, k := range over {
		probes.Go(func() { results <- mesh.Echo(probing, k) })
	}
	control := c.startControl(probing, over)
	defer func() {
		cancel()
		control.stop()
		probes.Wait()
	}()
	begin := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	failures := map[links.ProbeFailure]bool{}
	conclusive = true
	for pending := len(over); pending > 0; {
		select {
		case s := <-results:
			pending--
			failure := links.ProbeFailureOf(s.Err)
			switch {
			case ctx.Err() != nil: // the probe failed because it was cancelled, not because of the cut
				return "", false, ctx.Err()
			case s.Err == nil:
				return "", false, fmt.Errorf("%s is not cut: it echoes in %s", s.Link, duration.Format(s.RTT))
			case failure == "" || failure == links.Other:
				return "", false, fmt.Errorf("probe of %s: %w", s.Link, s.Err)
			case failure == links.Silent:
				conclusive = false // the control was too slow to tell earlier
			}
			failures[failure] = true
		case <-tick.C:
			slowest, known := control.slowest()
			if known && time.Since(begin) >= expected+max(minSilence, silenceFactor*slowest) {
				failures[links.Silent] = true
				pending = 0
			}
		}
	}
	return fmt.Sprintf("no echo over %s: %s", listLinks(over), listFailures(failures)), conclusive, nil
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
	return fmt.Sprintf("%s echoes in %s", l, duration.Format(s[0].RTT)), nil
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
