package node

import (
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
)

// plannedCluster is who there is by --peers, with which a new cluster begins.
func (c Config) plannedCluster() arbiter.Cluster {
	out := arbiter.Cluster{Regions: map[string]string{}, Weights: c.Weights, Control: c.with(nodespec.Control), Gateways: c.with(nodespec.Gateway)}
	for name, p := range c.Peers {
		out.Regions[name] = p.Region
	}
	return out
}

// cluster is who there is now. A control node that has no vote yet is there, but
// no control node.
func (n *node) cluster() arbiter.Cluster {
	c := arbiter.Cluster{Regions: map[string]string{}, Weights: n.cfg.Weights}
	for _, m := range n.consensus.Members() { // sorted
		p, ok := n.peer(m.Name)
		if !ok {
			continue // what it is has not been applied here yet
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

// probeTargets lists the nodes that this one has to probe now.
func (n *node) probeTargets() []string {
	if n.cfg.hasStandbys() {
		return n.defects.probeTargets(n.others()) // whoever stands by must see for itself that all voters are gone
	}
	return n.defects.probeTargets(n.cluster().ProbeTargets(n.consensus.Committed().HealthView(), n.cfg.Name))
}
