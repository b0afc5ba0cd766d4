package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// between is how servers prove themselves to each other. The library takes one
// configuration for both ends of a route, and dials addresses from a hosts
// file, which no certificate names: so it is asked only whether the other is a node
// of this platform. Which one it is, it says on the route.
func between(who *trust.Identity) *tls.Config {
	accept, dial := who.Peers(), who.Dial()
	c := accept.Clone()
	c.GetClientCertificate, c.RootCAs = dial.GetClientCertificate, dial.RootCAs
	c.InsecureSkipVerify = true // for VerifyConnection does it, without the address
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.VerifiedChains) == 0 { // the end that dialled
			if len(s.PeerCertificates) == 0 {
				return errors.New("a route without a certificate")
			}
			chains, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: dial.RootCAs, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			})
			if err != nil {
				return fmt.Errorf("a route to somebody unknown: %w", err)
			}
			s.VerifiedChains = chains
		}
		return accept.VerifyConnection(s)
	}
	return c
}
