package file

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Client implements targets.Target. It prefers the nodes of its own region.
func (t *Target) Client(ctx context.Context, c *cluster.Cluster, from topology.Region, id int) (workload.Client, error) {
	client, err := t.protocol.Client(ctx, t.system(c, from), id)
	if err != nil {
		return nil, fmt.Errorf("client %d of target %s in %s: %w", id, t.Name(), from, err)
	}
	return client, nil
}

// Reader implements targets.Target.
func (t *Target) Reader(ctx context.Context, c *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	n, ok := c.Topology.Node(via)
	if !ok || n.NoData {
		return nil, fmt.Errorf("reader of target %s: %s is no node of service %s, which holds the data", t.Name(), via, t.document.Client.Service)
	}
	reader, err := t.protocol.Reader(ctx, t.system(c, n.Region), t.endpoint(n))
	if err != nil {
		return nil, fmt.Errorf("reader of target %s through %s: %w", t.Name(), via, err)
	}
	return reader, nil
}

// LoadSupport implements targets.LoadSupporter.
func (t *Target) LoadSupport() targets.LoadSupport {
	kinds := t.protocol.Kinds()
	return targets.LoadSupport{
		Kinds:    kinds,
		Accounts: slices.Contains(kinds, history.Transfer),
		Streams:  slices.Contains(kinds, history.Publish),
	}
}

// system is what a client in a region is given of the running system.
func (t *Target) system(c *cluster.Cluster, from topology.Region) protocols.System {
	s := protocols.System{Dial: c.Dialer(from), Secret: c.Secret}
	for _, own := range []bool{true, false} {
		for _, n := range c.Topology.Nodes {
			if !n.NoData && (n.Region == from) == own {
				s.Endpoints = append(s.Endpoints, t.endpoint(n))
			}
		}
	}
	return s
}

func (t *Target) endpoint(n topology.Node) protocols.Endpoint {
	port := t.document.Services[n.Service].Ports[t.document.Client.Port]
	return protocols.Endpoint{Node: n.ID, Region: n.Region, Address: net.JoinHostPort(string(n.ID), strconv.Itoa(port))}
}
