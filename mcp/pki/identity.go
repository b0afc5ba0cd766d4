// Package pki is the platform's public key infrastructure: a certificate authority that
// everyone who holds the platform's secret can compute, and the certificates that it issues.
//
//	secret ──HKDF──► key of the authority ──signs──► certificate of a node (CN, SAN: its name)
//	                                      └─signs──► certificate of a client or operator (CN: its name)
//
// Nodes are started at the same time on machines that share no disk, so no files are
// passed around: each process derives the same authority and issues its own certificate.
// It follows that whoever holds the secret can impersonate anybody. A platform that does
// not trust its clients that far would give them certificates instead of the secret.
//
// The package authenticates. Each service decides itself what a caller is allowed to do.
package pki

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// MinSecretLength is the minimum length of a secret in characters: 16 random ones from an
// alphabet of 32 have 80 bits.
const MinSecretLength = 16

// Kind is the kind of a certificate's owner. It is the certificate's organisational unit.
type Kind string

// The kinds. Only nodes can serve and take part in consensus.
const (
	Node     Kind = "mcp node"
	Client   Kind = "mcp client"
	Operator Kind = "mcp operator" // a client that may add and remove nodes
)

const (
	// certificateLifetime is how long a certificate is valid. A process issues a new one
	// after half of it. Open connections stay open.
	certificateLifetime = 24 * time.Hour
	// authorityLifetime is how long the authority's certificate is valid.
	authorityLifetime = 10 * 365 * 24 * time.Hour
	// maxClockSkew is how far the clocks of two machines may differ.
	maxClockSkew = 5 * time.Minute
)

// Identity is the certificate of this process, and the authority that it trusts. Create
// it with NewIdentity.
type Identity struct {
	name         string
	kind         Kind
	authority    *x509.Certificate
	authorityKey ed25519.PrivateKey // of the authority
	roots        *x509.CertPool

	mu      sync.Mutex
	current *tls.Certificate
	renewAt time.Time
}

// NewIdentity makes the identity of a node, a client or an operator. The secret is the
// same for the whole platform.
func NewIdentity(secret, name string, kind Kind) (*Identity, error) {
	if len(secret) < MinSecretLength {
		return nil, fmt.Errorf("make the identity of %s: the secret has %d characters, and it must have at least %d random ones", name, len(secret), MinSecretLength)
	}
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, "mcp certificate authority 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("make the identity of %s: derive the authority's key: %w", name, err)
	}
	id := &Identity{name: name, kind: kind, authorityKey: ed25519.NewKeyFromSeed(seed), roots: x509.NewCertPool()}
	now := time.Now()
	id.authority, err = sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mcp authority"},
		NotBefore: now.Add(-maxClockSkew), NotAfter: now.Add(authorityLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, id.authorityKey.Public(), id.authorityKey)
	if err != nil {
		return nil, fmt.Errorf("make the identity of %s: %w", name, err)
	}
	id.roots.AddCert(id.authority)
	return id, nil
}

// Name is the name of the certificate's owner.
func (id *Identity) Name() string { return id.name }

// certificate returns this process's certificate, and issues a new one when half of the
// present one's lifetime is over.
func (id *Identity) certificate() (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := time.Now()
	if id.current != nil && now.Before(id.renewAt) {
		return id.current, nil
	}
	leaf, err := id.issue(now)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate to %s: %w", id.name, err)
	}
	id.current, id.renewAt = leaf, now.Add(certificateLifetime/2)
	return leaf, nil
}

func (id *Identity) issue(now time.Time) (*tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.name, OrganizationalUnit: []string{string(id.kind)}},
		NotBefore:    now.Add(-maxClockSkew), NotAfter: now.Add(certificateLifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if id.kind == Node {
		leaf.ExtKeyUsage = append(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		leaf.DNSNames, leaf.IPAddresses = altNames(id.name)
	}
	signed, err := sign(leaf, id.authority, public, id.authorityKey)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: private, Leaf: signed}, nil
}

// altNames are the names by which others dial a node: its host name, or its address.
func altNames(name string) (hosts []string, ips []net.IP) {
	if ip := net.ParseIP(name); ip != nil {
		return nil, []net.IP{ip}
	}
	return []string{name}, nil
}

// sign makes a certificate. With a nil parent it is self-signed.
func sign(c, parent *x509.Certificate, public any, key ed25519.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = c
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return x509.ParseCertificate(raw)
}
