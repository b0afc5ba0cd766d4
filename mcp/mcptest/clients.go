package mcptest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/resolver"
)

// Dial connects to a logical address.
func (c *Cluster) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return resolver.Resolver{HostsFile: c.hosts()}.Dial(ctx, network, addr)
}

// HTTPS returns a client that reaches nodes by name, with the certificate of an identity or,
// if that is nil, without one.
func (c *Cluster) HTTPS(id *pki.Identity) *http.Client {
	config := c.Identity().AnonymousClientConfig()
	if id != nil {
		config = id.ClientConfig()
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: c.Dial, TLSClientConfig: config,
	}}
}

// get requests a path of a node over HTTPS. Reading the answer times out after half a second.
func (c *Cluster) get(name, path string) (*http.Response, error) {
	hc := c.HTTPS(c.Identity())
	hc.Timeout = 500 * time.Millisecond
	return hc.Get(fmt.Sprintf("https://%s:%d%s", name, nodespec.EventsPort, path))
}

// Client makes a client of a region.
func (c *Cluster) Client(region string) *client.Client {
	c.t.Helper()
	return c.ClientWithDial(c.Dial, region)
}

// ClientWithDial makes a client of a region with its own dial function.
func (c *Cluster) ClientWithDial(dial api.DialFunc, region string) *client.Client {
	c.t.Helper()
	cl, err := client.New(client.Config{Dial: dial, Identity: c.Identity(), GSLB: c.addrsFrom(region, nodespec.DNSPort), IdentityServers: c.addrsFrom(region, nodespec.APIPort), Seed: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// NodeClient makes a client of one node, which authenticates as an operator.
func (c *Cluster) NodeClient(name string) *client.NodeClient {
	c.t.Helper()
	d, err := client.NewNodeClient(fmt.Sprintf("%s:%d", name, nodespec.APIPort), c.Dial, c.identity("operator", pki.Operator))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { d.Close() })
	return d
}

// Bus makes a client of the message bus in a region.
func (c *Cluster) Bus(region string) *client.Bus {
	c.t.Helper()
	b, err := client.NewBus(client.BusConfig{Dial: c.Dial, Identity: c.Identity(), Servers: c.addrsFrom(region, nodespec.BusPort)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { b.Close() })
	return b
}

// addrsFrom lists the logical addresses of a port on all nodes, those of a region first.
func (c *Cluster) addrsFrom(region string, port int) []string {
	var own, others []string
	for _, n := range c.names {
		addr := fmt.Sprintf("%s:%d", n, port)
		if strings.HasPrefix(n, region+"-") {
			own = append(own, addr)
		} else {
			others = append(others, addr)
		}
	}
	return append(own, others...)
}

// Write makes a write request with a fresh id.
func Write(key, value string) *api.WriteRequest {
	return &api.WriteRequest{Id: client.NewID(), Key: key, Value: value}
}
