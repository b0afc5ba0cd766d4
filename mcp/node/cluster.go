package node

import (
	"slices"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
)

// plannedCluster is the cluster that --peers lists, with which a new platform starts.
func (c Config) plannedCluster() arbiter.Cluster {
	out := arbiter.Cluster{Regions: map[string]string{}, Weights: c.Weights, Control: c.with(nodespec.Control), Gateways: c.with(nodespec.Gateway)}
	for name, p := range c.Peers {
		out.Regions[name] = p.Region
	}
	return out
}

// cluster is the cluster as it is now. A control node that has no vote yet is listed, but
// not as a control node.
func (n *node) cluster() arbiter.Cluster {
	c := arbiter.Cluster{Regions: map[string]string{}, Weights: n.cfg.Weights}
	for _, m := range n.consensus.Members() { // sorted
		p, ok := n.peer(m.Name)
		if !ok {
			continue // its registration has not been applied here yet
		}
		c.Regions[m.Name] = p.Region
		if p.Has(nodespec.Control) && (m.Voter || n.cfg.hasStandbys()) {
			c.Control = append(c.Control, m.Name)
		}
		if m.Voter {
			c.Voters = append(c.Voters, m.Name)
		}
		if p.Has(nodespec.Gateway) {
			c.Gateways = append(c.Gateways, m.Name)
		}
	}
	return c
}

// probeTargets returns the nodes that this one has to probe now.
func (n *node) probeTargets() []string {
	if n.cfg.hasStandbys() {
		return n.defects.probeTargets(n.others()) // a standby must find out by itself whether all voters are dead
	}
	return n.defects.probeTargets(n.cluster().ProbeTargets(n.consensus.Committed().HealthView(), n.cfg.Name))
}

// witnesses returns the nodes to ask about a peer that does not answer this node any more:
// control nodes of third regions. A node of this region uses the same links, and one of
// the peer's region may be cut off together with it and still reach it.
func (n *node) witnesses(peer string) []string {
	c := n.cluster()
	if len(c.Control) == 0 { // this node has no log, or not yet
		c = n.cfg.plannedCluster()
	}
	return slices.DeleteFunc(c.Control, func(w string) bool {
		return c.Regions[w] == n.cfg.Region || c.Regions[w] == c.Regions[peer]
	})
}
