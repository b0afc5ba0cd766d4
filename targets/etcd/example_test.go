package etcd_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/topology"
)

// A target declares the nodes that a spec asks for. An unknown profile is an error that names the known ones.
func ExampleTarget_Topology() {
	t, err := etcd.Target{}.Topology(topology.Spec{})
	for _, n := range t.Nodes {
		fmt.Println(n.ID, n.Region, n.Voter)
	}
	fmt.Println(err)
	_, err = etcd.Target{}.Topology(topology.Spec{Profile: "none"})
	fmt.Println(err)
	// Output:
	// east-1 east true
	// north-1 north true
	// south-1 south true
	// <nil>
	// etcd topology: profile: no "none": known are default, wan
}
