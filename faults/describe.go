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
