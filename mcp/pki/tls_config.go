package pki

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
)

// ServerConfig is for listeners that accept clients with a certificate of this platform, or
// with none. A client without one must authenticate in another way.
func (id *Identity) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.certificate() },
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      id.roots,
	}
}

// AuthenticatedServerConfig is ServerConfig for clients that must have a certificate.
func (id *Identity) AuthenticatedServerConfig() *tls.Config {
	c := id.ServerConfig()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c
}

// PeerServerConfig is ServerConfig for nodes only.
func (id *Identity) PeerServerConfig() *tls.Config {
	c := id.AuthenticatedServerConfig()
	c.VerifyConnection = func(s tls.ConnectionState) error {
		name, kind, ok := CertificateOwner(s)
		if !ok || kind != Node {
			return fmt.Errorf("%q is not a node of this platform: only nodes may connect here", name)
		}
		return nil
	}
	return c
}

// ClientConfig is for connections that this process opens with its certificate. It accepts
// only the node that was dialled. A node is verified by its name and not by its address,
// which may be that of a proxy.
func (id *Identity) ClientConfig() *tls.Config {
	c := id.AnonymousClientConfig()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.certificate() }
	return c
}

// AnonymousClientConfig is ClientConfig without a client certificate.
func (id *Identity) AnonymousClientConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: id.roots}
}

// CertificateOwner returns the owner of the verified certificate with which a connection
// was opened. ok is false if there is none.
func CertificateOwner(s tls.ConnectionState) (name string, kind Kind, ok bool) {
	if len(s.VerifiedChains) == 0 {
		return "", "", false
	}
	leaf := s.VerifiedChains[0][0]
	units := leaf.Subject.OrganizationalUnit
	if len(units) != 1 || !slices.Contains([]Kind{Node, Client, Operator}, Kind(units[0])) {
		return leaf.Subject.CommonName, "", false
	}
	return leaf.Subject.CommonName, Kind(units[0]), true
}

// ExpectHost returns a copy of a client's configuration that verifies the host of a logical
// address.
func ExpectHost(c *tls.Config, addr string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("verify the certificate of %s: %w", addr, err)
	}
	c = c.Clone()
	c.ServerName = host
	return c, nil
}
