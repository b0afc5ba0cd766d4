package docker

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/moby/moby/api/types/network"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Ports that linkd takes in a pod, besides links.EchoNumber. They are outside
// the range from which kernels give out ephemeral ports. Only the first two are
// published, since each published port costs an engine up to 0.2 s; clients
// come in by linkd's CONNECT tunnel.
const (
	controlPort  = 17001
	adminPort    = 17002
	firstIngress = 17100
	lastIngress  = 17999
)

// loopback is where ports are published.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// peerAliases gives each peer of a node a loopback address of its own, the same
// in every pod, and returns them as extra hosts for the engine too.
func peerAliases(t topology.Topology, self topology.NodeID) (map[topology.NodeID]string, []string, error) {
	if len(t.Nodes) > 254 {
		return nil, nil, fmt.Errorf("%d nodes are too many: at most 254 have a loopback address", len(t.Nodes))
	}
	peers, hosts := map[topology.NodeID]string{}, []string(nil)
	for i, p := range t.Nodes {
		if p.ID == self {
			continue
		}
		addr := fmt.Sprintf("127.0.1.%d", i+1)
		peers[p.ID] = addr
		hosts = append(hosts, string(p.ID)+":"+addr)
	}
	return peers, hosts, nil
}

// ingressPort is where the clients of a region come in for a port of the node.
type ingressPort struct {
	from topology.Region
	port string
}

// ingressPorts gives each way in a port in the pod.
func ingressPorts(t topology.Topology, n topology.Node) (map[ingressPort]int, error) {
	names := []string{links.EchoPort}
	for _, p := range n.Ports {
		if p.Number == links.EchoNumber || (p.Number >= controlPort && p.Number <= lastIngress) {
			return nil, fmt.Errorf("port %s=%d of %s belongs to linkd: keep off %d and %d to %d",
				p.Name, p.Number, n.ID, links.EchoNumber, controlPort, lastIngress)
		}
		names = append(names, p.Name)
	}
	out := map[ingressPort]int{}
	for _, z := range t.RegionSpecs {
		for _, name := range names {
			out[ingressPort{z.Region, name}] = firstIngress + len(out)
		}
	}
	if last := firstIngress + len(out) - 1; last > lastIngress {
		return nil, fmt.Errorf("%d client regions and %d ports need more ingress ports than there are, which is %d", len(t.RegionSpecs), len(names), lastIngress-firstIngress+1)
	}
	return out, nil
}

func port(n int) network.Port {
	p, _ := network.PortFrom(uint16(n), network.TCP)
	return p
}

func exposed(m network.PortMap) []string {
	var out []string
	for p := range m {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

// published maps ports of the pod to where this process dials them.
func published(m network.PortMap) map[int]string {
	out := map[int]string{}
	for p, bs := range m {
		for _, b := range bs {
			if b.HostIP == loopback {
				out[int(p.Num())] = net.JoinHostPort(loopback.String(), b.HostPort)
			}
		}
	}
	return out
}
