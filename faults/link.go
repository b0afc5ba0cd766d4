package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// LinkFault is a fault of links. Flows lists what it affects, by design.
type LinkFault interface {
	Flows(v Victims) []topology.Flow
}

// Affects is everything that a fault touches: what it takes away, and the links
// that it only slows. A control of another fault must not be among it; see
// Verifier.
func Affects(f Fault, v Victims) topology.FaultImpact {
	d := f.Impact(v)
	if s, ok := f.(LinkFault); ok {
		d = topology.MergeImpacts(d, topology.FaultImpact{CutFlows: s.Flows(v)})
	}
	return d
}

// linkInjection applies one effect to flows. Faults of links embed it and prove it.
type linkInjection struct {
	undo
	victims     Victims
	flows       []topology.Flow
	effect      links.Effect
	description string // of the deed, for errors
}

// Inject implements Injection.
func (l *linkInjection) Inject(ctx context.Context) error {
	err := l.inject(func() (func(context.Context) error, error) {
		if len(l.flows) == 0 {
			return nil, errNoLink
		}
		// On error ApplyEffect leaves nothing behind.
		return l.victims.Cluster.Links.ApplyEffect(ctx, l.victims.ID, l.flows, l.effect)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", l.description, err)
	}
	return nil
}

var errNoLink = errors.New("no link is between the victims and the others")

// links lists the links that are affected.
func (l *linkInjection) links() []topology.Link {
	out := make([]topology.Link, len(l.flows))
	for i, f := range l.flows {
		out[i] = f.Link
	}
	return out
}

// baseline is the round trip that the topology declares for a link.
func (l *linkInjection) baseline(k topology.Link) time.Duration {
	t := l.victims.Cluster.Topology
	return 2 * t.OneWay(t.RegionOf(k.From), t.RegionOf(topology.Endpoint{Node: k.To}))
}

// echo measures links that are expected to echo, all at the same time.
func (l *linkInjection) echo(ctx context.Context, over []topology.Link) []links.Sample {
	return forLinks(over, func(k topology.Link) links.Sample { return l.victims.Cluster.Links.Echo(ctx, k) })
}

// noControlLink is what ControlUnaffected reports when every link is affected.
const noControlLink = "every link is affected, so there is no control link to measure"

// controlLink returns the first link that neither this fault nor others affect;
// one that shares an end with an affected link is preferred.
func (l *linkInjection) controlLink(others []topology.FaultImpact) (topology.Link, bool) {
	affected := map[topology.Link]bool{}
	ends := map[topology.Endpoint]bool{}
	for _, k := range l.links() {
		affected[k] = true
		ends[k.From], ends[topology.Endpoint{Node: k.To}] = true, true
	}
	for _, f := range topology.MergeImpacts(others...).CutFlows {
		affected[f.Link] = true
	}
	free := slices.DeleteFunc(l.victims.Cluster.Topology.Links(), func(k topology.Link) bool { return affected[k] })
	if len(free) == 0 {
		return topology.Link{}, false
	}
	i := slices.IndexFunc(free, func(k topology.Link) bool { return ends[k.From] || ends[topology.Endpoint{Node: k.To}] })
	return free[max(i, 0)], true
}

// controlled makes a measurement of links beside a control. It is conclusive when
// no control took as long as the margin by which the effect shows.
func (l *linkInjection) controlled(ctx context.Context, margin time.Duration, measure func() (string, error)) (string, bool, error) {
	c := l.startControl(ctx, l.links())
	defer c.stop()
	observed, err := measure()
	slowest, known := c.slowest()
	return observed, known && slowest < margin, err
}

// forLinks measures all links at the same time.
func forLinks(over []topology.Link, measure func(topology.Link) links.Sample) []links.Sample {
	out := make([]links.Sample, len(over))
	var wg sync.WaitGroup
	for i, k := range over {
		wg.Go(func() { out[i] = measure(k) })
	}
	wg.Wait()
	return out
}

// listLinks names links, or counts them when they are many.
func listLinks(all []topology.Link) string {
	const maxNamed = 4
	if len(all) > maxNamed {
		return fmt.Sprintf("%d links (%s, …)", len(all), all[0])
	}
	out := make([]string, len(all))
	for i, k := range all {
		out[i] = k.String()
	}
	return strings.Join(out, ", ")
}

// summarize joins what was observed, shortened to what a reader takes in.
func summarize(observed []string) string {
	const maxNamed = 3
	if len(observed) > maxNamed {
		return strings.Join(observed[:maxNamed], "; ") + fmt.Sprintf("; and %d more", len(observed)-maxNamed)
	}
	return strings.Join(observed, "; ")
}
