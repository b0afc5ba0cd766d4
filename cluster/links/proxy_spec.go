package links

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// carrier is the node whose linkd carries the link: that of the opener, and for
// clients, which have none, that of the node they connect to.
func carrier(l topology.Link) topology.NodeID {
	if l.From.Clients != "" {
		return l.To
	}
	return l.From.Node
}

// carriedBy lists the links that a node's linkd carries.
func (m *Mesh) carriedBy(id topology.NodeID) []topology.Link {
	return slices.DeleteFunc(m.topology.Links(), func(l topology.Link) bool { return carrier(l) != id })
}

// proxies is how linkd has to make a link now, one proxy a port.
func (m *Mesh) proxies(l topology.Link) []wire.Proxy {
	up, down, closed, reset := m.compose(l)
	to, _ := m.topology.Node(l.To)
	d := m.linkd(carrier(l))
	var out []wire.Proxy
	for _, p := range ports(to) {
		number := strconv.Itoa(p.Number)
		w := wire.Proxy{
			// Toxiproxy's API has names in URL paths, so plain characters only.
			Name:   fmt.Sprintf("%s-to-%s-%s", l.From, l.To, p.Name),
			Closed: closed, Reset: reset, Up: up, Down: down,
		}
		if l.From.Clients != "" {
			w.Listen = d.Ingress[l.From.Clients][p.Name].Listen
			w.Upstream = net.JoinHostPort(d.Host, number)
		} else {
			w.Listen = net.JoinHostPort(d.Peers[l.To], number)
			w.Upstream = net.JoinHostPort(m.linkd(l.To).Host, number)
		}
		out = append(out, w)
	}
	return out
}

// compose adds up the baseline of a link and everything that is done to it.
func (m *Mesh) compose(l topology.Link) (up, down wire.Flow, closed, reset bool) {
	if base := m.topology.OneWay(m.topology.RegionOf(l.From), m.topology.RegionOf(topology.Endpoint{Node: l.To})); base > 0 {
		d := []wire.Delay{{Latency: base}}
		up.Delays, down.Delays = d, slices.Clone(d)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := m.effects[l]
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		overlay(&up, ids[id].up)
		overlay(&down, ids[id].down)
		for _, cut := range []Mode{ids[id].up.Cut, ids[id].down.Cut} {
			closed = closed || cut == Refuse
			reset = reset || cut == Reset
		}
	}
	return up, down, closed, reset
}

func overlay(f *wire.Flow, e Effect) {
	if e.Latency > 0 || e.Jitter > 0 {
		f.Delays = append(f.Delays, wire.Delay{Latency: e.Latency, Jitter: e.Jitter, Distribution: string(e.Distribution), Seed: e.Seed})
	}
	if e.Loss > 0 {
		f.Losses = append(f.Losses, wire.Loss{Probability: e.Loss, Retransmit: e.Retransmit, Seed: e.Seed})
	}
	f.SliceSize = lower(f.SliceSize, e.SliceSize)
	f.SliceDelay = max(f.SliceDelay, e.SliceDelay)
	f.CloseDelay += e.CloseDelay
	f.StallAfter = lower(f.StallAfter, e.StallAfter)
	f.ResetAfter = lower(f.ResetAfter, e.ResetAfter)
	f.Rate = lower(f.Rate, e.Rate)
	f.Hold = f.Hold || e.Cut == Hold
	f.Drop = f.Drop || e.Cut == Blackhole
}

// lower is the lower of two limits, of which 0 is none.
func lower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
