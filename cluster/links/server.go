// Package links is the set of links between nodes, and from clients to nodes.
// Every link passes through the linkd of a pod, so that it can be slowed,
// narrowed or cut without the nodes knowing. The package speaks HTTP to linkds
// that a runtime has started; it starts nothing itself.
//
// What a link is not: it carries TCP only, and a connection that is closed on
// one side is closed on both (no half-close); opening one is never delayed, and
// succeeds even when nobody listens behind it, in which case it is closed at
// once.
//
//	┌─ pod north-1 ─────────────────────────────┐
//	│ north-1 ──► 127.0.1.4:7400 linkd ─────────┼──► pod east-1:7400
//	│ north-1:7400 ◄── linkd ◄── ingress proxy ◄┼─── 127.0.0.1:p  clients of south
//	└───────────────────────────────────────────┘
package links

import "github.com/mcp-resilience/holdfast/topology"

// Server is one node's linkd as a runtime started it. Addresses are host:port
// or bare hosts as named.
type Server struct {
	Node topology.NodeID
	// Control is the host:port, dialled from this process, of linkd's
	// supervisor: it probes from inside the pod and replaces a linkd that hangs.
	Control string
	// Admin is the host:port, dialled from this process, of Toxiproxy's API.
	Admin string
	// Credential is what requests to Control and Admin carry, see NewCredential.
	// Nothing writes it down.
	Credential string
	// Host is the address of the node as other pods and its own linkd reach it.
	Host string
	// Peers maps each peer to the loopback host that stands for it in this pod.
	Peers map[topology.NodeID]string
	// Ingress is how the clients of each region enter, for each port of the
	// node by name and for EchoPort.
	Ingress map[topology.Region]map[string]Ingress
}

// Ingress is a proxy's listening address in the pod and the address at which
// it is reached: from this process where Tunnel is empty, otherwise from inside
// the pod. Connect dials accordingly.
type Ingress struct {
	Listen string
	Dial   string
	// Tunnel is the host:port, dialled from this process, of a linkd's control
	// address, which connects clients to Dial by HTTP CONNECT.
	Tunnel string
	// Credential is that of the linkd at Tunnel.
	Credential string
}

// EchoPort names the port on which every linkd echoes, for measuring links.
const EchoPort = "echo"

// EchoNumber is the TCP port of EchoPort on every pod.
const EchoNumber = 7007
