package mcptest

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// Secret is the secret of every cluster.
const Secret = "a secret for tests alone"

// Identity is the identity of a client with the name "test".
func (c *Cluster) Identity() *pki.Identity { return c.identity("test", pki.Client) }

// NodeIdentity is the identity of a node, for tests of what only nodes may do.
func (c *Cluster) NodeIdentity(name string) *pki.Identity { return c.identity(name, pki.Node) }

func (c *Cluster) identity(name string, kind pki.Kind) *pki.Identity {
	c.t.Helper()
	id, err := pki.NewIdentity(Secret, name, kind)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// UnknownIdentity is an identity of another platform.
func (c *Cluster) UnknownIdentity() *pki.Identity {
	c.t.Helper()
	id, err := pki.NewIdentity("of another platform altogether", "stranger", pki.Client)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// DialTLS is Dial with a TLS handshake, in which the client shows its certificate.
func (c *Cluster) DialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.TLSDialer(c.Identity().ClientConfig())(ctx, network, addr)
}

// TLSDialer is DialTLS with another configuration.
func (c *Cluster) TLSDialer(config *tls.Config) pki.DialFunc { return pki.Dialer(config, c.Dial) }
