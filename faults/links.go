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

// LinkFault is a fault of links. Streams lists what it disturbs, by design.
type LinkFault interface {
	Flows(v Victims) []topology.Flow
}

// Affects is all that a fault meddles with: what it takes away and what it only
// slows. It is what Victims.Others is for.
func Affects(f Fault, v Victims) topology.FaultImpact {
	d := f.Impact(v)
	if s, ok := f.(LinkFault); ok {
		d = topology.MergeImpacts(d, topology.FaultImpact{CutFlows: s.Flows(v)})
	}
	return d
}

// disturb applies the effect and returns an undo that may be repeated until it
// succeeds.
func disturb(ctx context.Context, v Victims, streams []topology.Flow, e links.Effect) (func(context.Context) error, error) {
	if len(streams) == 0 {
		return nil, errors.New("no link is between the victims and the others")
	}
	heal, err := v.Cluster.Links.ApplyEffect(ctx, v.ID, streams, e) // leaves nothing behind when it fails
	if err != nil {
		return nil, err
	}
	return once(heal), nil
}

// once makes an undo that does nothing after it has succeeded.
func once(undo func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	done := false
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return nil
		}
		err := undo(ctx)
		done = err == nil
		return err
	}
}

// patience is how long an echo may take beyond the link's baseline before the
// link counts as carrying nothing.
const patience = 400 * time.Millisecond

// twice wants the same to be seen in two measurements on end: a busy machine
// that stands still for a moment looks like a slow or a cut link.
func twice(look func() (string, error)) (string, error) {
	if _, err := look(); err != nil {
		return "", err
	}
	return look()
}

// glances measures links that are expected to carry nothing, all at once.
func glances(ctx context.Context, v Victims, over []topology.Link) []links.Sample {
	return measure(over, func(l topology.Link) links.Sample {
		ctx, cancel := context.WithTimeout(ctx, patience+baseline(v, l))
		defer cancel()
		return v.Cluster.Links.Echo(ctx, l)
	})
}

// echoes measures links that are expected to echo, all at once.
func echoes(ctx context.Context, v Victims, over []topology.Link) []links.Sample {
	return measure(over, func(l topology.Link) links.Sample { return v.Cluster.Links.Echo(ctx, l) })
}

func measure(over []topology.Link, one func(topology.Link) links.Sample) []links.Sample {
	out := make([]links.Sample, len(over))
	var wg sync.WaitGroup
	for i, l := range over {
		wg.Go(func() { out[i] = one(l) })
	}
	wg.Wait()
	return out
}

// baseline is the round trip that the topology declares for a link.
func baseline(v Victims, l topology.Link) time.Duration {
	t := v.Cluster.Topology
	return 2 * t.OneWay(t.RegionOf(l.From), t.RegionOf(topology.Endpoint{Node: l.To}))
}

// neighbour returns the first link that neither these streams nor another
// fault touches; one that shares an end with a disturbed link is preferred.
func neighbour(v Victims, streams []topology.Flow) (topology.Link, bool) {
	touched := map[topology.Link]bool{}
	ends := map[topology.Endpoint]bool{}
	for _, s := range streams {
		touched[s.Link] = true
		ends[s.Link.From], ends[topology.Endpoint{Node: s.Link.To}] = true, true
	}
	for _, c := range topology.MergeImpacts(v.Others...).CutFlows {
		touched[c.Link] = true
	}
	free := slices.DeleteFunc(v.Cluster.Topology.Links(), func(l topology.Link) bool { return touched[l] })
	if len(free) == 0 {
		return topology.Link{}, false
	}
	i := slices.IndexFunc(free, func(l topology.Link) bool { return ends[l.From] || ends[topology.Endpoint{Node: l.To}] })
	return free[max(i, 0)], true
}

func linksOf(streams []topology.Flow) []topology.Link {
	out := make([]topology.Link, len(streams))
	for i, s := range streams {
		out[i] = s.Link
	}
	return out
}

// list names links, or counts them when they are many.
func list(links []topology.Link) string {
	const most = 4
	if len(links) > most {
		return fmt.Sprintf("%d links (%s, …)", len(links), links[0])
	}
	names := make([]string, len(links))
	for i, l := range links {
		names[i] = l.String()
	}
	return strings.Join(names, ", ")
}
