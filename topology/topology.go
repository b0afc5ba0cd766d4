// Package topology names the things a run is made of: regions, nodes, the
// links between them and the roles nodes play. It holds values only; a thing
// that runs is a cluster.Process, and links that carry bytes are a links.Mesh.
//
//	   east (70)            north (20)           south (10)
//	┌───────────┐  15ms   ┌───────────┐         ┌───────────┐
//	│ east-1 …  │◄───────►│ north-1 … │◄───────►│ south-1 … │
//	└───────────┘         └───────────┘         └───────────┘
package topology

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Region is a failure domain, for example "east".
type Region string

// NodeID names a node and is its host name inside the cluster, for example "east-1".
type NodeID string

// Pattern reports whether the name is a pattern for names of nodes, as of path.Match.
func (n NodeID) Pattern() bool { return strings.ContainsAny(string(n), "*?[") }

// Role is what a node does at the moment; only the target knows which node has it.
type Role string

// The roles every replicated system knows. Targets may know more.
const (
	Leader   Role = "leader"
	Follower Role = "follower"
	// StreamLeader leads the stream of a system that has messages.
	StreamLeader Role = "stream-leader"
)

// Port is a TCP port that a node listens on and that others dial by name.
// Every port of a node is carried by the node's links.
type Port struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
}

// Node is one declared process of the system under test.
type Node struct {
	ID      NodeID `json:"id"`
	Region  Region `json:"region"`
	Service string `json:"service"`
	Voter   bool   `json:"voter"` // counts towards a majority
	// NoData means that the node holds none of the data that clients write: a sentinel, a
	// proxy, an arbiter. Nothing is read back through it.
	NoData bool `json:"noData,omitempty"`
	// Standby means that the node serves only once it has taken over: nothing waits
	// for it before.
	Standby bool    `json:"standby,omitempty"`
	Ports   []Port  `json:"ports"`
	Program Program `json:"program"`
}

// Port returns the number of the named port.
func (n Node) Port(name string) (int, error) {
	for _, p := range n.Ports {
		if p.Name == name {
			return p.Number, nil
		}
	}
	return 0, fmt.Errorf("node %s has no port %q", n.ID, name)
}

// RegionSpec is a declared region: its share of the traffic and the latency of its
// links to the others.
type RegionSpec struct {
	Region Region `json:"region"`
	Weight int    `json:"weight"`
}

// Topology is the declared system: its regions, nodes and baseline latencies.
type Topology struct {
	RegionSpecs []RegionSpec `json:"regions"`
	Nodes       []Node       `json:"nodes"`
	// Latency is the one-way baseline delay between two regions, the same in
	// both directions; a pair that is not listed has none.
	Latency []RegionLatency `json:"latency,omitempty"`
}

// RegionLatency is the one-way delay between two regions.
type RegionLatency struct {
	A      Region        `json:"a" yaml:"a"`
	B      Region        `json:"b" yaml:"b"`
	OneWay time.Duration `json:"oneWay" yaml:"oneWay"`
}

// Spec is what a scenario or a session wants of a target's topology. The zero value is the
// target's default: three regions of one node each.
type Spec struct {
	// Regions are the user's own, with their names; empty means those of the target.
	Regions []SpecRegion `json:"regions,omitempty" yaml:"regions,omitempty"`
	// Nodes is the number of nodes in each region: 1, 3 or 5; 0 means 1.
	Nodes int `json:"nodes,omitempty" yaml:"nodes,omitempty"`
	// Layout is the target's name for which nodes there are and what each does;
	// empty means its default.
	Layout string `json:"layout,omitempty" yaml:"layout,omitempty"`
	// Profile is the target's name for a set of timings; empty means its default.
	Profile string `json:"profile,omitempty" yaml:"profile,omitempty"`
	// Defects are the target's switchable defects, by name.
	Defects []string `json:"defects,omitempty" yaml:"defects,omitempty"`
	// Latency is the one-way delay of region pairs; empty means the target's default.
	Latency []RegionLatency `json:"latency,omitempty" yaml:"latency,omitempty"`
}

// Regions lists the regions in declared order.
func (t Topology) Regions() []Region {
	out := make([]Region, len(t.RegionSpecs))
	for i, z := range t.RegionSpecs {
		out[i] = z.Region
	}
	return out
}

// Node returns the node of that name.
func (t Topology) Node(id NodeID) (Node, bool) {
	i := slices.IndexFunc(t.Nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return Node{}, false
	}
	return t.Nodes[i], true
}

// DataNodes lists the nodes that hold data, in declared order.
func (t Topology) DataNodes() []Node {
	return slices.DeleteFunc(slices.Clone(t.Nodes), func(n Node) bool { return n.NoData })
}

// NodesIn lists the nodes of a region in declared order.
func (t Topology) NodesIn(r Region) []Node {
	var out []Node
	for _, n := range t.Nodes {
		if n.Region == r {
			out = append(out, n)
		}
	}
	return out
}

// OneWay returns the baseline delay from region a to region b.
func (t Topology) OneWay(a, b Region) time.Duration {
	for _, d := range t.Latency {
		if (d.A == a && d.B == b) || (d.A == b && d.B == a) {
			return d.OneWay
		}
	}
	return 0
}
