// Package mcp is the adapter of the reference platform: how its nodes are started, how
// clients find and use it, which node leads, and the events, metrics and traces that it
// emits. The platform does not know this package.
package mcp

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/topology"
)

// Name is the platform's name in scenarios.
const Name = "mcp"

// Target is the adapter; its zero value is ready.
type Target struct {
	// Entrance is the region that takes all traffic while it is healthy. Empty means that
	// the regions share traffic by the weights of the original design.
	Entrance topology.Region
}

// regions returns the regions with their shares of traffic.
func (m Target) regions(s topology.Spec) []topology.SpecRegion {
	out := s.ResolveRegions(seedRegions)
	for i := range out {
		switch m.Entrance {
		case "":
		case out[i].Name:
			out[i].Weight = 100
		default:
			out[i].Weight = 0
		}
	}
	return out
}

// Name is the platform's name in scenarios.
func (Target) Name() string { return Name }

// seedRegions are the regions of the original design.
var seedRegions = []topology.RegionSpec{{Region: "east", Weight: 70}, {Region: "north", Weight: 20}, {Region: "south", Weight: 10}}

// seedLatency keeps every round trip between regions at 30 ms.
const seedLatency = 15 * time.Millisecond

// Topology declares three regions of 1, 3 or 5 control nodes, or the regions of the spec. Each is a voter. More
// voters cost the leader messages but its clients no time, since a write waits for the
// nearest majority either way; and any node may die without a change of membership.
func (m Target) Topology(s topology.Spec) (topology.Topology, error) {
	if per := cmp.Or(s.Nodes, 1); !slices.Contains([]int{1, 3, 5}, per) {
		return topology.Topology{}, fmt.Errorf("mcp topology: nodes: %d a region: allowed are 1, 3, 5", per)
	}
	name := cmp.Or(s.Layout, "compact")
	layout, err := layoutOf(name)
	if err != nil {
		return topology.Topology{}, err
	}
	profile := cmp.Or(s.Profile, nodespec.AdaptiveProfile)
	if known := nodespec.Profiles(); !slices.Contains(known, profile) {
		return topology.Topology{}, fmt.Errorf("mcp topology: profile: no %q: known are %s", profile, strings.Join(known, ", "))
	}
	for _, d := range s.Defects {
		if !slices.Contains(nodespec.Defects(), d) {
			return topology.Topology{}, fmt.Errorf("mcp topology: defects: no %q: known are %s", d, strings.Join(nodespec.Defects(), ", "))
		}
	}
	regions := m.regions(s)
	if !slices.ContainsFunc(regions, func(r topology.SpecRegion) bool { return r.Weight > 0 }) {
		return topology.Topology{}, fmt.Errorf("mcp topology: entrance: no region %q: known are %s", m.Entrance, regionNames(regions))
	}
	standby, err := standbyLevels(name, regions)
	if err != nil {
		return topology.Topology{}, err
	}
	t := topology.Topology{RegionSpecs: topology.RegionSpecs(regions), Latency: s.ResolveLatency(regions, seedLatency)}
	var peers, weights []string
	for i, r := range regions {
		weights = append(weights, fmt.Sprintf("%s=%d", r.Name, r.Weight))
		for _, spec := range layout(r.Nodes) {
			id := topology.NodeID(fmt.Sprintf("%s-%s", r.Name, spec.suffix))
			peer := fmt.Sprintf("%s/%s/%s", id, r.Name, spec.roleList())
			level := standby[i]
			if level != nodespec.Hot {
				peer += "/" + string(level)
			}
			peers = append(peers, peer)
			t.Nodes = append(t.Nodes, topology.Node{
				ID: id, Region: r.Name, Service: spec.service, Ports: spec.ports(), Standby: level == nodespec.Cold,
				// A standby counts as a voter: it is to take over when a region is lost.
				Voter: spec.has(nodespec.Control),
			})
		}
	}
	args := []string{
		"--name", "{{.Name}}", "--host", "{{.Host}}", "--data", "{{.Data}}",
		"--peers", strings.Join(peers, ","), "--weights", strings.Join(weights, ","), "--profile", profile,
	}
	if strings.HasPrefix(name, "standby-") {
		args = append(args, "--snapshots", "file://{{.Shared}}")
	}
	if len(s.Defects) > 0 {
		args = append(args, "--defect", strings.Join(s.Defects, ","))
	}
	for i := range t.Nodes {
		t.Nodes[i].Program = topology.Program{
			Package: "github.com/mcp-resilience/holdfast/cmd/mcpd", Args: args, HostsFlag: "--hosts",
			Env: map[string]string{nodespec.SecretEnv: "{{.Secret}}"},
		}
	}
	return t, nil
}

func regionNames(regions []topology.SpecRegion) string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = string(r.Name)
	}
	return strings.Join(names, ", ")
}

// address is the logical address of one of a node's ports.
func address(n topology.NodeID, port int) string {
	return net.JoinHostPort(string(n), strconv.Itoa(port))
}
