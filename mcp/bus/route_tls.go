package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// routeTLS is the TLS configuration of the routes between servers. The library uses one
// configuration for both ends of a route, and dials addresses from a hosts file, which no
// certificate contains. So the configuration verifies only that the other end is a node of
// this platform. Which node it is, the node itself says on the route.
func routeTLS(id *pki.Identity) *tls.Config {
	accept, dial := id.PeerServerConfig(), id.ClientConfig()
	c := accept.Clone()
	c.GetClientCertificate, c.RootCAs = dial.GetClientCertificate, dial.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection verifies the certificate, without the address
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.VerifiedChains) == 0 { // on the end that dialled
			if len(s.PeerCertificates) == 0 {
				return errors.New("the other end of the route has no certificate")
			}
			chains, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: dial.RootCAs, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			})
			if err != nil {
				return fmt.Errorf("the other end of the route is unknown: %w", err)
			}
			s.VerifiedChains = chains
		}
		return accept.VerifyConnection(s)
	}
	return c
}
