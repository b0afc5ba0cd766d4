// Package topology names the things a run is made of: regions, nodes, the
// links between them and the roles nodes play. It holds values only; a thing
// that runs is a cluster.Process, a link that carries bytes lives in mesh.
//
//	   east (70)            north (20)           south (10)
//	┌───────────┐  15ms   ┌───────────┐         ┌───────────┐
//	│ east-1 …  │◄───────►│ north-1 … │◄───────►│ south-1 … │
//	└───────────┘         └───────────┘         └───────────┘
package topology

import (
	"fmt"
	"slices"
	"time"
)

// Region is a failure domain, for example "east".
type Region string

// NodeID names a node and is its host name inside the cluster, for example "east-1".
type NodeID string

// Role is what a node does at the moment; only the target can tell who has it.
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

// Program is how a node is started. Args and Env values are text/template
// strings, rendered with TemplateVars once the node's addresses are known.
type Program struct {
	// Package is the Go main package built (statically) for the node, for
	// example "github.com/mcp-resilience/holdfast/cmd/mcpd".
	Package string `json:"package,omitempty"`
	// Module is the folder, relative to holdfast's root, of the nested module
	// that Package is built in; empty means holdfast's own module.
	Module string `json:"module,omitempty"`
	// Image names a container image to use as it is; empty means that one is
	// made from the built program. The local runtime needs Package.
	Image string            `json:"image,omitempty"`
	Args  []string          `json:"args,omitempty"`
	Env   map[string]string `json:"env,omitempty"`
	// HostsFlag is the flag by which the program takes a hosts(5) file that it
	// consults before the system's resolver. Empty means that it needs a real
	// /etc/hosts, which only the container runtime can give.
	HostsFlag string `json:"hostsFlag,omitempty"`
	// Grace is how long a graceful stop may take; zero means 10 s.
	Grace time.Duration `json:"grace,omitempty"`
}

// TemplateVars is what templates in Program.Args and Program.Env may use.
type TemplateVars struct {
	Name   NodeID // the node's name, resolvable by its peers
	Region Region
	Host   string // the node's own address, to be bound instead of a wildcard
	Data   string // an existing, writable folder that survives restarts
	Hosts  string // path of the hosts file; empty where the system resolves names
	Shared string // a writable folder that all nodes of the run see, as they would an object store
	// Secret is a random string of this run, the same for every node, for systems
	// whose nodes authenticate each other; it is never recorded. Give it to a
	// program by its environment: arguments are seen by everyone on a machine.
	Secret string
}

// Node is one declared process of the system under test.
type Node struct {
	ID      NodeID `json:"id"`
	Region  Region `json:"region"`
	Service string `json:"service"`
	Voter   bool   `json:"voter"` // counts towards a majority
	// Standby says that the node serves only once it has taken over: nothing waits
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
