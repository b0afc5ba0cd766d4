package cluster

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Cluster is a topology that runs: every node started, every link open.
type Cluster struct {
	Topology        topology.Topology
	Secret          string // of the run, with which a target's clients prove themselves; never recorded
	Links           *links.Mesh
	MembershipAdmin MembershipAdmin // of the target; nil when it has none, see Operators
	runtime         Runtime
	nodes           map[topology.NodeID]Process
	states          nodeStates
	memberships     memberships
	sandboxes       map[topology.NodeID]Sandbox
	failures        sandboxFailures
}

// Start brings up every pod, opens every link at its baseline latency, then
// starts every node; each in parallel. It returns once each node accepts
// connections on one of its ports, or after 2 s without that; a node that
// exits meanwhile is an error. On error what was started is removed. The
// runtime has been opened for the same spec.
func Start(ctx context.Context, rt Runtime, s Spec, notice func(string)) (_ *Cluster, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("start cluster: %w", err)
			if cerr := rt.Close(context.WithoutCancel(ctx)); cerr != nil {
				err = fmt.Errorf("%w (and removing it: %v)", err, cerr)
			}
		}
	}()
	t := s.Topology
	sandboxes, servers := make([]Sandbox, len(t.Nodes)), make([]links.Server, len(t.Nodes))
	g, gctx := errgroup.WithContext(ctx)
	for i, n := range t.Nodes {
		g.Go(func() (err error) {
			if sandboxes[i], err = rt.StartSandbox(gctx, n); err != nil {
				return fmt.Errorf("links of %s: %w", n.ID, err)
			}
			servers[i] = sandboxes[i].Server()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	m := links.New(t, servers, notice)
	if err := m.Open(ctx); err != nil {
		return nil, err
	}
	procs := make([]Process, len(t.Nodes))
	g, gctx = errgroup.WithContext(ctx)
	for i, n := range t.Nodes {
		g.Go(func() (err error) {
			if procs[i], err = rt.Start(gctx, n); err != nil {
				return fmt.Errorf("node %s: %w", n.ID, err)
			}
			if err := waitStable(gctx, m, n, procs[i]); err != nil {
				return fmt.Errorf("node %s: %w", n.ID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	c := &Cluster{
		Topology: t, Secret: s.Secret, Links: m, runtime: rt,
		nodes: map[topology.NodeID]Process{}, sandboxes: map[topology.NodeID]Sandbox{},
	}
	for i, n := range t.Nodes {
		c.nodes[n.ID], c.sandboxes[n.ID] = procs[i], sandboxes[i]
	}
	return c, nil
}

// Process returns the node's process, nil for a node that is not of this cluster.
func (c *Cluster) Process(id topology.NodeID) Process { return c.nodes[id] }

// Sandbox returns the node's sandbox, nil for a node that is not of this cluster.
func (c *Cluster) Sandbox(id topology.NodeID) Sandbox { return c.sandboxes[id] }

// Dialer returns a dial function for the clients of a region. It takes logical
// addresses ("north-1:7400") and goes through the region's links, so that
// such a client is slowed and cut off as its region is.
func (c *Cluster) Dialer(from topology.Region) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		return c.Links.Dial(ctx, from, addr)
	}
}

// Pinger is the runtime's, where it has an engine that can be asked for a sign of life.
func (c *Cluster) Pinger() (Pinger, bool) {
	p, ok := c.runtime.(Pinger)
	return p, ok
}

// Close removes the cluster.
func (c *Cluster) Close(ctx context.Context) error { return c.runtime.Close(ctx) }
