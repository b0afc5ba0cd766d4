package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/topology"
)

// names lists nodes by name, and whole regions by theirs where that is shorter.
func names(t topology.Topology, nodes []topology.Node) string {
	if len(nodes) == 0 {
		return "no node"
	}
	chosen := ids(nodes)
	if len(chosen) > 1 && len(chosen) == len(t.Nodes) {
		return "all nodes"
	}
	var out []string
	for _, n := range nodes {
		whole := len(t.NodesIn(n.Region)) > 1 && containsRegion(t, chosen, n.Region)
		switch name := "all of " + string(n.Region); {
		case !whole:
			out = append(out, string(n.ID))
		case !slices.Contains(out, name):
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// between names the two sides of a fault of links.
func (s scope) between(v Victims) string {
	if s.clientsOnly {
		return clientsAndNodes(v)
	}
	return between(v, s.clients)
}

// clientsAndNodes names the sides of a fault of clients alone.
func clientsAndNodes(v Victims) string {
	var regions []string
	for _, n := range v.Nodes {
		if n.Region == "" { // stands for a node that is known only at injection
			regions = append(regions, "the region of "+string(n.ID))
			continue
		}
		if !slices.Contains(regions, string(n.Region)) {
			regions = append(regions, string(n.Region))
		}
	}
	to := "all nodes"
	if len(v.To) > 0 {
		to = names(v.Cluster.Topology, v.To)
	}
	return fmt.Sprintf("the clients of %s and %s", strings.Join(regions, ", "), to)
}

// between names the two sides of a fault of nodes, and says whether it is for clients too.
func between(v Victims, clients bool) string {
	t := v.Cluster.Topology
	victims, _ := sides(v)
	var s string
	switch {
	case victims.eachRegion:
		s = "every region and the others"
	case len(v.To) > 0:
		s = fmt.Sprintf("%s and %s", names(t, v.Nodes), names(t, v.To))
	default:
		s = fmt.Sprintf("%s and the others", names(t, v.Nodes))
	}
	if clients {
		s += ", clients too"
	}
	return s
}
