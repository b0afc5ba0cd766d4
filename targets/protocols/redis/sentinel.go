package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// askSentinels returns the endpoint that the first Sentinel to answer names as the primary. Each client asks
// them in an order of its own.
func (p protocol) askSentinels(ctx context.Context, s protocols.System, id int) (protocols.Endpoint, error) {
	nodes := p.settings.Sentinel.Nodes
	if len(nodes) == 0 {
		for _, e := range s.Endpoints {
			host, _, _ := net.SplitHostPort(e.Address)
			nodes = append(nodes, host)
		}
	}
	port := p.settings.Sentinel.Port
	if port == 0 {
		port = 26379
	}
	reasons := []error{errNoSentinel}
	for i := range nodes {
		node := nodes[(i+id)%len(nodes)]
		e, err := p.askSentinel(ctx, s, net.JoinHostPort(node, strconv.Itoa(port)))
		if err == nil {
			return e, nil
		}
		reasons = append(reasons, fmt.Errorf("that of %s: %w", node, err))
	}
	return protocols.Endpoint{}, errors.Join(reasons...)
}

func (p protocol) askSentinel(ctx context.Context, s protocols.System, address string) (protocols.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, p.settings.ConnectTimeout/2) // so that there is time for another
	defer cancel()
	c, err := p.connect(ctx, s, address, "", p.settings.Sentinel.Password, 0)
	if err != nil {
		return protocols.Endpoint{}, err
	}
	defer c.Close()
	got, err := ask(ctx, c, "SENTINEL", "get-master-addr-by-name", p.settings.Sentinel.Master)
	if err != nil {
		return protocols.Endpoint{}, err
	}
	if len(got.items) != 2 {
		return protocols.Endpoint{}, fmt.Errorf("it watches no %q", p.settings.Sentinel.Master)
	}
	return match(s.Endpoints, got.items[0].text, got.items[1].text)
}

// match finds the endpoint that a Sentinel names.
func match(endpoints []protocols.Endpoint, host, port string) (protocols.Endpoint, error) {
	for _, e := range endpoints {
		if e.Address == net.JoinHostPort(host, port) {
			return e, nil
		}
	}
	if net.ParseIP(host) != nil {
		return protocols.Endpoint{}, fmt.Errorf("it names the primary by its address %s, which clients cannot dial over links; set sentinel resolve-hostnames and announce-hostnames to yes, and replica-announce-ip to the node's name", host)
	}
	return protocols.Endpoint{}, fmt.Errorf("it names %s:%s as the primary, which is no node that holds data", host, port)
}
