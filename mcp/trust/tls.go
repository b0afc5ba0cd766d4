package trust

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
)

// Server is for a node's listeners whose users show a certificate of this
// platform or none; who shows none must prove himself otherwise.
func (id *Identity) Server() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.certificate() },
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      id.roots,
	}
}

// Known is Server for those who show a certificate, be it a node's or a client's.
func (id *Identity) Known() *tls.Config {
	c := id.Server()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c
}

// Peers is Server for nodes alone: a client's certificate is turned away.
func (id *Identity) Peers() *tls.Config {
	c := id.Known()
	c.VerifyConnection = func(s tls.ConnectionState) error {
		name, kind, ok := Who(s)
		if !ok || kind != Node {
			return fmt.Errorf("%q is not a node of this platform: only nodes may speak here", name)
		}
		return nil
	}
	return c
}

// Dial is for connections that this process opens under its own name. It
// accepts only the node that was dialled: a node is known by its name, never by
// its address, since that of a proxy or of another machine may stand before it.
func (id *Identity) Dial() *tls.Config {
	c := id.Nameless()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.certificate() }
	return c
}

// Nameless is Dial without a certificate: the node proves itself, the caller does not.
func (id *Identity) Nameless() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: id.roots}
}

// Who says whose verified certificate a connection was opened with; not ok
// means that there was none.
func Who(s tls.ConnectionState) (name string, kind Kind, ok bool) {
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

// For returns a copy of a Dial or Nameless configuration that expects the host of a logical address.
func For(c *tls.Config, addr string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("expect the certificate of %s: %w", addr, err)
	}
	c = c.Clone()
	c.ServerName = host
	return c, nil
}
