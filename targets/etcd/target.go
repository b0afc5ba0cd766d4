// Package etcd is the adapter for unmodified etcd: how its members are started, how
// clients use it, and which member leads. It proves that the target interface fits
// a system that was not written for it. Each member needs an /etc/hosts of its own,
// so it runs in containers only.
package etcd

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// Name is the name of the target in scenario files.
const Name = "etcd"

// Target is the adapter; its zero value is ready.
type Target struct{}

// Name is the name of the target in scenario files.
func (Target) Name() string { return Name }

const (
	clientPort = 2379
	peerPort   = 2380
)

// regionSpecs gives the regions the weights that the reference platform uses.
var regionSpecs = []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}}

// oneWayLatency makes every round trip between regions 30 ms.
const oneWayLatency = 15 * time.Millisecond

// timings are etcd's heartbeat interval and election timeout. Its tuning guide asks for
// a heartbeat interval of about the longest round trip between members, and for an
// election timeout of at least ten times that round trip.
type timings struct{ heartbeat, election time.Duration }

var profiles = map[string]timings{
	"default": {100 * time.Millisecond, time.Second}, // etcd's own; ample for 30 ms
	"wan":     {300 * time.Millisecond, 3 * time.Second},
}

// Topology declares three regions of 1, 3 or 5 members, or the regions of the spec. All members vote.
func (Target) Topology(s topology.Spec) (topology.Topology, error) {
	if per := cmp.Or(s.Nodes, 1); !slices.Contains([]int{1, 3, 5}, per) {
		return topology.Topology{}, fmt.Errorf("etcd topology: nodes: %d a region: allowed are 1, 3, 5", per)
	}
	if s.Layout != "" {
		return topology.Topology{}, fmt.Errorf("etcd topology: layout: no %q: etcd has one layout, leave it out", s.Layout)
	}
	pace, ok := profiles[cmp.Or(s.Profile, "default")]
	if !ok {
		return topology.Topology{}, fmt.Errorf("etcd topology: profile: no %q: known are %s",
			s.Profile, strings.Join(slices.Sorted(maps.Keys(profiles)), ", "))
	}
	if len(s.Defects) > 0 {
		return topology.Topology{}, fmt.Errorf("etcd topology: defects: no %q: etcd is unmodified and has none to switch on", s.Defects[0])
	}
	regions := s.ResolveRegions(regionSpecs)
	t := topology.Topology{RegionSpecs: topology.RegionSpecs(regions), Latency: s.ResolveLatency(regions, oneWayLatency)}
	var members []string
	for _, r := range regions {
		for i := range r.Nodes {
			id := topology.NodeID(fmt.Sprintf("%s-%d", r.Name, i+1))
			members = append(members, fmt.Sprintf("%s=http://%s", id, address(id, peerPort)))
			t.Nodes = append(t.Nodes, topology.Node{
				ID: id, Region: r.Name, Service: Name, Voter: true,
				Ports: []topology.Port{{Name: "client", Number: clientPort}, {Name: "peer", Number: peerPort}},
			})
		}
	}
	for i := range t.Nodes {
		t.Nodes[i].Program = nodeProgram(pace, members)
	}
	return t, nil
}

// nodeProgram starts a member. It listens on its address, because etcd rejects names
// there, and advertises its name.
func nodeProgram(pace timings, members []string) topology.Program {
	return topology.Program{
		Package: "github.com/mcp-resilience/holdfast/targets/etcd/server/etcdnode",
		Module:  "targets/etcd/server",
		Args: []string{
			"--name={{.Name}}", "--data-dir={{.Data}}/etcd",
			fmt.Sprintf("--listen-client-urls=http://{{.Host}}:%d", clientPort),
			fmt.Sprintf("--listen-peer-urls=http://{{.Host}}:%d", peerPort),
			fmt.Sprintf("--advertise-client-urls=http://{{.Name}}:%d", clientPort),
			fmt.Sprintf("--initial-advertise-peer-urls=http://{{.Name}}:%d", peerPort),
			"--initial-cluster=" + strings.Join(members, ","),
			"--initial-cluster-state=new", "--initial-cluster-token=holdfast",
			fmt.Sprintf("--heartbeat-interval=%d", pace.heartbeat.Milliseconds()),
			fmt.Sprintf("--election-timeout=%d", pace.election.Milliseconds()),
		},
	}
}

// address is the logical address of a member's port.
func address(n topology.NodeID, port int) string {
	return net.JoinHostPort(string(n), strconv.Itoa(port))
}
