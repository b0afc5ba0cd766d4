package protocoltest

import (
	"context"
	"net"

	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/topology"
)

// Nodes are some endpoints that all lead to one server, and how to dial it by their addresses.
func Nodes(server string, names ...string) ([]protocols.Endpoint, Dialer) {
	var endpoints []protocols.Endpoint
	for _, n := range names {
		endpoints = append(endpoints, protocols.Endpoint{Node: topology.NodeID(n), Region: "east", Address: n + ":4000"})
	}
	return endpoints, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}
}
