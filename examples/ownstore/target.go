// Package ownstore is a target that a user writes: the adapter by which
// holdfast drills kv, a small database of somebody's own beside it. All that
// holdfast knows of the database is here; the database knows nothing of
// holdfast. docs/adding-a-target.md goes through it.
package ownstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Target is the adapter; its zero value is ready.
type Target struct{}

// Name is how scenarios call the system.
func (Target) Name() string { return "ownstore" }

const port = 7600

var regions = []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}}

// Topology declares one node in each of three regions; any two are a majority.
func (Target) Topology(s topology.Spec) (topology.Topology, error) {
	t := topology.Topology{RegionSpecs: regions, Latency: s.Latency}
	if per := cmp.Or(s.Nodes, 1); per != 1 {
		return t, fmt.Errorf("ownstore topology: nodes: %d a region: allowed is 1", per)
	}
	if s.Layout != "" {
		return t, fmt.Errorf("ownstore topology: layout: no %q: there is one, leave it out", s.Layout)
	}
	if s.Profile != "" {
		return t, fmt.Errorf("ownstore topology: profile: no %q: there are none", s.Profile)
	}
	if len(t.Latency) == 0 {
		for i, a := range regions {
			for _, b := range regions[i+1:] {
				t.Latency = append(t.Latency, topology.RegionLatency{A: a.Region, B: b.Region, OneWay: 5 * time.Millisecond})
			}
		}
	}
	args := []string{"--name={{.Name}}", "--host={{.Host}}", "--data={{.Data}}", "--peers=east-1,north-1,south-1"}
	for _, d := range s.Defects {
		if d != "alone" {
			return t, fmt.Errorf("ownstore topology: defects: no %q: known is alone", d)
		}
		args = append(args, "--alone")
	}
	for _, z := range regions {
		t.Nodes = append(t.Nodes, topology.Node{
			ID: topology.NodeID(z.Region + "-1"), Region: z.Region, Service: "kv", Voter: true,
			Ports: []topology.Port{{Name: "rpc", Number: port}},
			Program: topology.Program{
				Package: "github.com/mcp-resilience/holdfast/examples/ownstore/kv", Args: args, HostsFlag: "--hosts",
			},
		})
	}
	return t, nil
}

// Client makes a client that prefers the first node that answers, in the
// declared order. So one node does the work, as a leader would, and the others
// take over when it is gone.
func (Target) Client(_ context.Context, c *cluster.Cluster, from topology.Region, _ int) (workload.Client, error) {
	return newUser(c, from, nodes(c)...), nil
}

// Reader makes a client of one node. A read settles the cell through that
// node, so what it returns is what the node holds.
func (Target) Reader(_ context.Context, c *cluster.Cluster, via topology.NodeID) (workload.Client, error) {
	n, ok := c.Topology.Node(via)
	if !ok {
		return nil, fmt.Errorf("ownstore reader: no node %s", via)
	}
	return newUser(c, n.Region, via), nil
}

// Resolve says which node the clients take for the leader: the first that answers.
func (Target) Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	var up []topology.NodeID
	for _, n := range c.Topology.Nodes {
		probe := newUser(c, n.Region, n.ID)
		if _, err := probe.connect(ctx, n.ID); err == nil {
			up = append(up, n.ID)
		}
		_ = probe.Close()
	}
	switch {
	case r == topology.Leader && len(up) > 0:
		return up[:1], nil
	case r == topology.Follower && len(up) > 1:
		return up[1:], nil
	case r == topology.Leader || r == topology.Follower:
		return nil, fmt.Errorf("ownstore: no %s: only %v answer", r, up)
	}
	return nil, fmt.Errorf("ownstore has no role %q: known are %s", r, strings.Join([]string{string(topology.Leader), string(topology.Follower)}, ", "))
}

func nodes(c *cluster.Cluster) []topology.NodeID {
	var out []topology.NodeID
	for _, n := range c.Topology.Nodes {
		out = append(out, n.ID)
	}
	return slices.Clip(out)
}
