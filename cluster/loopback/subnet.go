// Package loopback gives each run a network of its own inside this machine: a
// /16 of 127.0.0.0/8, laid out as pods. It computes addresses and makes sure that
// no other run uses them. It starts nothing and listens on one address only, the
// lock by which a subnet is taken.
//
//	127.R.0.(10+i)       node i, and its echo
//	127.R.(1+v).(10+i)   what stands for node i in the pod of node v
//	127.R.(100+i).(10+j) where clients of region j enter the pod of node i
//	127.R.250.(10+i)     linkd of node i: control and admin
//	127.R.255.254        the lock
//
// Only Linux answers on all of 127.0.0.0/8 without being configured to.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Bounds of the layout. Subnets stay clear of low numbers, which other programs
// use, and of 127.255; ports are below those that the kernel gives out.
const (
	firstSubnet = 64
	lastSubnet  = 191
	maxNodes    = 90 // nodes in a topology
	maxRegions  = 200
	lockPort    = 7000
	adminPort   = 7005
	controlPort = 7006
)

// Check returns nil where subnets can be allocated, else the reason.
func Check() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("only Linux answers on all of 127.0.0.0/8; this is %s", runtime.GOOS)
	}
	return nil
}

// Subnet is a network that one run has for itself.
type Subnet struct {
	topology     topology.Topology
	number       int
	lockListener net.Listener
}

// Allocate takes a subnet that no other run on this machine has. It is locked by
// a listening socket, so the kernel frees it when the process dies.
func Allocate(ctx context.Context, t topology.Topology) (*Subnet, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	if len(t.Nodes) > maxNodes || len(t.RegionSpecs) > maxRegions {
		return nil, fmt.Errorf("%d nodes in %d regions: there are addresses for %d in %d", len(t.Nodes), len(t.RegionSpecs), maxNodes, maxRegions)
	}
	const subnets = lastSubnet - firstSubnet + 1
	start := rand.IntN(subnets) // not of the run's seed: it shall differ between runs
	for i := range subnets {
		b := &Subnet{topology: t, number: firstSubnet + (start+i)%subnets}
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", join(b.addr(255, 254), lockPort))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("allocate a loopback network: %w", err)
		}
		b.lockListener = ln
		return b, nil
	}
	return nil, fmt.Errorf("allocate a loopback network: all %d are taken", subnets)
}

// Close frees the subnet.
func (b *Subnet) Close() error { return b.lockListener.Close() }

func (b *Subnet) String() string { return fmt.Sprintf("127.%d.0.0/16", b.number) }

func (b *Subnet) addr(c, d int) string { return fmt.Sprintf("127.%d.%d.%d", b.number, c, d) }

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// Host is a node's own address.
func (b *Subnet) Host(id topology.NodeID) string { return b.addr(0, 10+b.index(id)) }

// EchoAddr is where the node's linkd echoes.
func (b *Subnet) EchoAddr(id topology.NodeID) string { return join(b.Host(id), links.EchoNumber) }

// Server is the addresses of a node's linkd. Whoever starts it gives it a credential.
func (b *Subnet) Server(n topology.Node) links.Server {
	i := b.index(n.ID)
	s := links.Server{
		Node:    n.ID,
		Control: join(b.addr(250, 10+i), controlPort),
		Admin:   join(b.addr(250, 10+i), adminPort),
		Host:    b.Host(n.ID),
		Peers:   map[topology.NodeID]string{},
		Ingress: map[topology.Region]map[string]links.Ingress{},
	}
	for j, p := range b.topology.Nodes {
		if p.ID != n.ID {
			s.Peers[p.ID] = b.addr(1+i, 10+j)
		}
	}
	for j, region := range b.topology.RegionSpecs {
		in := map[string]links.Ingress{}
		for _, p := range append([]topology.Port{{Name: links.EchoPort, Number: links.EchoNumber}}, n.Ports...) {
			at := join(b.addr(100+i, 10+j), p.Number)
			in[p.Name] = links.Ingress{Listen: at, Dial: at}
		}
		s.Ingress[region.Region] = in
	}
	return s
}

// Peers is the address at which a node reaches each node, itself included: that of the
// link's proxy, and its own.
func (b *Subnet) Peers(n topology.Node) map[topology.NodeID]string {
	out := b.Server(n).Peers
	out[n.ID] = b.Host(n.ID)
	return out
}

// Hosts is a hosts(5) file in which the node finds itself and its peers.
func (b *Subnet) Hosts(n topology.Node) string {
	var out strings.Builder
	peers := b.Peers(n)
	fmt.Fprintf(&out, "%s %s\n", peers[n.ID], n.ID)
	for _, p := range b.topology.Nodes {
		if p.ID != n.ID {
			fmt.Fprintf(&out, "%s %s\n", peers[p.ID], p.ID)
		}
	}
	return out.String()
}

func (b *Subnet) index(id topology.NodeID) int {
	for i, n := range b.topology.Nodes {
		if n.ID == id {
			return i
		}
	}
	panic(fmt.Sprintf("node %s is not of this topology", id))
}
