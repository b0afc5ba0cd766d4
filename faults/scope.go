package faults

import (
	"slices"

	"github.com/mcp-resilience/holdfast/topology"
)

// scope is which links a fault between nodes affects.
//
// A fault stands between two sides: the nodes of `on` and those of `to`. Without
// `to` the other side is every node outside `on`; when `on` is already every node,
// each region stands against the others.
type scope struct {
	direction TrafficDirection
	// clients also takes in the clients of either side. Those of a region whose
	// nodes are all on one side are on that side, and without `to` the clients of
	// all other regions are on the other side.
	clients bool
	// opening means that the fault acts on whoever opens a connection, whichever
	// way its bytes flow: "A cannot reach B" is then all of A→B and nothing of B→A.
	opening bool
	// clientsOnly leaves the links between nodes alone: `on` stands for the clients
	// of every region in which it chooses a node, and `to` for the nodes that they
	// connect to, all of them without it.
	clientsOnly bool
}

// ClientsOnly reports whether a fault acts on the links of clients alone. The same
// nodes may then be on both sides of it: the clients of their regions, and they.
func ClientsOnly(f Fault) bool {
	l, ok := f.(interface{ scope() scope })
	return ok && l.scope().clientsOnly
}

// flows lists what the fault affects, in the order of the topology's links.
func (s scope) flows(v Victims) []topology.Flow {
	t := v.Cluster.Topology
	victims, opposite := sides(v)
	var out []topology.Flow
	for _, l := range t.Links() {
		if s.clientsOnly {
			if isClientOf(l, v) {
				if d := s.affects(true, false); d != "" {
					out = append(out, topology.Flow{Link: l, Direction: d})
				}
			}
			continue
		}
		if l.From.Clients != "" && !s.clients {
			continue
		}
		to := topology.Endpoint{Node: l.To}
		outgoing := victims.has(t, l.From) && opposite.has(t, to) // opened by `on`
		incoming := opposite.has(t, l.From) && victims.has(t, to) // opened by `to`
		if victims.eachRegion {
			across := t.RegionOf(l.From) != t.RegionOf(to)
			outgoing, incoming = across, across
		}
		if d := s.affects(outgoing, incoming); d != "" {
			out = append(out, topology.Flow{Link: l, Direction: d})
		}
	}
	return out
}

// isClientOf reports whether the clients of a victim's region connect over a link
// to one of the nodes that `to` chooses.
func isClientOf(l topology.Link, v Victims) bool {
	inRegion := slices.ContainsFunc(v.Nodes, func(n topology.Node) bool { return n.Region == l.From.Clients })
	return l.From.Clients != "" && inRegion && (len(v.To) == 0 || slices.Contains(ids(v.To), l.To))
}

// affects returns which bytes of a link are affected, "" for none. "A cannot
// reach B" is the upstream flow of what A opened and the downstream flow of what
// B opened.
func (s scope) affects(outgoing, incoming bool) topology.Direction {
	switch {
	case !outgoing && !incoming:
		return ""
	case s.direction.orBoth() == Both, outgoing && incoming:
		return topology.BothWays
	case s.opening && outgoing == (s.direction == To):
		return topology.BothWays
	case s.opening:
		return ""
	case outgoing == (s.direction == To):
		return topology.Upstream
	default:
		return topology.Downstream
	}
}

// side is one of the two sets of link ends that a fault stands between.
type side struct {
	nodes []topology.NodeID
	// otherClients takes in the clients of every region that is not wholly in opposite.
	otherClients bool
	opposite     []topology.NodeID
	// eachRegion means that every region stands against every other.
	eachRegion bool
}

// sides returns the side of the victims and the opposite one.
func sides(v Victims) (victims, opposite side) {
	t := v.Cluster.Topology
	victims.nodes = ids(v.Nodes)
	if len(v.To) > 0 {
		opposite.nodes = ids(v.To)
		return victims, opposite
	}
	for _, n := range t.Nodes {
		if !slices.Contains(victims.nodes, n.ID) {
			opposite.nodes = append(opposite.nodes, n.ID)
		}
	}
	victims.eachRegion = len(opposite.nodes) == 0
	opposite.otherClients, opposite.opposite = true, victims.nodes
	return victims, opposite
}

func (s side) has(t topology.Topology, e topology.Endpoint) bool {
	if e.Node != "" {
		return slices.Contains(s.nodes, e.Node)
	}
	if s.otherClients {
		return !containsRegion(t, s.opposite, e.Clients)
	}
	return containsRegion(t, s.nodes, e.Clients)
}

// containsRegion reports whether the region has nodes and all of them are listed.
func containsRegion(t topology.Topology, nodes []topology.NodeID, r topology.Region) bool {
	in := t.NodesIn(r)
	for _, n := range in {
		if !slices.Contains(nodes, n.ID) {
			return false
		}
	}
	return len(in) > 0
}

func ids(nodes []topology.Node) []topology.NodeID {
	out := make([]topology.NodeID, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}

// TrafficDirection is which bytes a fault of links affects, as the nodes chosen by
// `on` send or receive them. Which bytes of a link that are, its
// topology.Direction, depends on who opened the connection.
type TrafficDirection string

// The directions. The zero value is Both.
const (
	Both TrafficDirection = "both"
	To   TrafficDirection = "to"   // what `on` sends to `to`
	From TrafficDirection = "from" // what `on` receives from `to`
)

func (d TrafficDirection) orBoth() TrafficDirection {
	if d == "" {
		return Both
	}
	return d
}

func (d TrafficDirection) describe() string {
	switch d {
	case To:
		return "outgoing only"
	case From:
		return "incoming only"
	default:
		return "both ways"
	}
}

// Values lists the directions, for the schema of the scenario language.
func (TrafficDirection) Values() []string { return []string{string(Both), string(To), string(From)} }

func (d TrafficDirection) validate() error {
	return oneOf("direction", string(d), append([]string{""}, d.Values()...)...)
}
