package node

import "github.com/mcp-resilience/holdfast/mcp/arbiter"

// cluster is who there is, as the arbiter needs to know it.
func (n *node) cluster() arbiter.Cluster {
	c := arbiter.Cluster{Regions: map[string]string{}, Weights: n.cfg.Weights, Control: n.cfg.with(Control), Gateways: n.cfg.with(Gateway)}
	for name, p := range n.cfg.Peers {
		c.Regions[name] = p.Region
	}
	return c
}

// duties lists the nodes that this one has to probe now.
func (n *node) duties() []string {
	if n.cfg.defective(ProbeSelf) {
		return []string{n.cfg.Name}
	}
	return n.cluster().Duties(n.consensus.Committed().Standing(), n.cfg.Name)
}
