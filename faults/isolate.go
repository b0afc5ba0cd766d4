package faults

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Isolate cuts the victims from all other nodes, both ways. When the victims
// are every node, each region is cut from each other.
//
//	clients: false   east-1 ╳ north-1, south-1     every client still reaches every node
//	clients: true    east-1, east's clients ╳ everyone and everything else
type Isolate struct {
	// Clients cuts off a victim region's own clients along with it: they reach
	// their own region's nodes only, and no other client reaches those. The
	// clients of a region that keeps a node outside stay outside with it.
	Clients bool `json:"clients,omitempty" yaml:"clients,omitempty"`
	// Mode is how a cut link behaves: hold, blackhole, refuse or reset; empty
	// means hold. See Partition.
	Mode links.Mode `json:"mode,omitempty" yaml:"mode,omitempty"`
}

func (i *Isolate) cut() cut { return newCut(i.Mode, Both, i.Clients) }

// Validate implements Validator.
func (i *Isolate) Validate() error { return validMode(i.Mode) }

// Prepare implements Fault.
func (i *Isolate) Prepare(v Victims) Injection { return i.cut().prepare(v, i.Describe(v)) }

// Flows implements LinkFault.
func (i *Isolate) Flows(v Victims) []topology.Flow { return i.cut().flows(v) }

// Impact implements Fault.
func (i *Isolate) Impact(v Victims) topology.FaultImpact { return i.cut().impact(v) }

// Describe implements Fault.
func (i *Isolate) Describe(v Victims) string {
	who := names(v.Cluster.Topology, v.Nodes)
	if victims, _ := sides(v); victims.eachRegion {
		who = "every region"
	}
	with := "without its clients"
	if i.Clients {
		with = "with its clients"
	}
	return fmt.Sprintf("isolate %s %s (%s)", who, with, i.cut().mode)
}
