package mcptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/names"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Dial connects to a logical address.
func (c *Cluster) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return names.Resolver{Hosts: c.hosts()}.Dial(ctx, network, addr)
}

// Identity is the identity of a client called "test".
func (c *Cluster) Who() *trust.Identity { return c.identity("test", trust.Client) }

// Peer is the identity of a node, for tests of what only nodes may do.
func (c *Cluster) Peer(name string) *trust.Identity { return c.identity(name, trust.Node) }

func (c *Cluster) identity(name string, kind trust.Kind) *trust.Identity {
	c.t.Helper()
	who, err := trust.New(Secret, name, kind)
	if err != nil {
		c.t.Fatal(err)
	}
	return who
}

// HTTPS is for asking nodes by name, with the certificate of who or, if that is nil, without.
func (c *Cluster) HTTPS(who *trust.Identity) *http.Client {
	config := c.Who().Nameless()
	if who != nil {
		config = who.Dial()
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: c.Dial, TLSClientConfig: config,
	}}
}

// get asks a node over HTTPS; the answer is read within half a second.
func (c *Cluster) get(name, path string) (*http.Response, error) {
	hc := c.HTTPS(c.Who())
	hc.Timeout = 500 * time.Millisecond
	return hc.Get(fmt.Sprintf("https://%s:%d%s", name, nodespec.EventsPort, path))
}

// Secure is Dial, after which both sides know each other.
func (c *Cluster) Secure(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.SecureAs(c.Who().Dial())(ctx, network, addr)
}

// SecureAs is Secure as somebody else.
func (c *Cluster) SecureAs(who *tls.Config) trust.DialFunc { return trust.Dialer(who, c.Dial) }

// Client makes a client of a region.
func (c *Cluster) Client(region string) *client.Client {
	c.t.Helper()
	return c.ClientBy(c.Dial, region)
}

// ClientBy makes a client of a region that connects in a way of its own.
func (c *Cluster) ClientBy(dial api.DialFunc, region string) *client.Client {
	c.t.Helper()
	at := func(port int) []string {
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
	cl, err := client.New(client.Config{Dial: dial, Identity: c.Who(), GSLB: at(nodespec.DNSPort), IdentityServers: at(nodespec.APIPort), Seed: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// NodeClient makes a client of one node, who is an operator.
func (c *Cluster) Direct(name string) *client.NodeClient {
	c.t.Helper()
	d, err := client.NewNodeClient(fmt.Sprintf("%s:%d", name, nodespec.APIPort), c.Dial, c.identity("operator", trust.Operator))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { d.Close() })
	return d
}

// Write makes a write request with a fresh id.
func Write(key, value string) *api.WriteRequest {
	return &api.WriteRequest{Id: client.NewID(), Key: key, Value: value}
}
