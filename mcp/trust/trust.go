// Package trust is how the parts of one platform know each other: a certificate
// authority that everyone who holds the platform's secret can compute, and the
// certificates that it issues.
//
//	secret ──HKDF──► key of the authority ──signs──► certificate of a node (CN, SAN: its name)
//	                                      └─signs──► certificate of a client or operator (CN: its name)
//
// Nodes are started at the same time on machines that share no disk, so no file
// is passed around: each derives the same authority and issues itself what it
// needs. It follows that the secret is the whole of the trust: whoever holds it
// can be anybody. A platform whose clients are not to be trusted that far would
// hand them certificates instead of the secret.
//
// It says who somebody is. What they may do is decided where they ask.
package trust

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

// MinSecret is the shortest secret taken, in characters: 16 random ones from
// an alphabet of 32 are 80 bits.
const MinSecret = 16

// Kind is what somebody is. It is the certificate's organisational unit.
type Kind string

// The kinds. Only nodes may serve, and only nodes are let into consensus.
const (
	Node     Kind = "mcp node"
	Client   Kind = "mcp client"
	Operator Kind = "mcp operator" // a client who may change who belongs to the platform
)

const (
	// leafLife is how long a certificate is valid. A process issues itself a new
	// one at half of it; connections that are open stay open.
	leafLife = 24 * time.Hour
	// rootLife is how long a process takes its authority for valid.
	rootLife = 10 * 365 * 24 * time.Hour
	// skew is how far the clocks of two machines may be apart.
	skew = 5 * time.Minute
)

// Identity is who this process is, and whom it believes. Create it with New.
type Identity struct {
	name  string
	kind  Kind
	root  *x509.Certificate
	key   ed25519.PrivateKey // of the authority
	roots *x509.CertPool

	mu    sync.Mutex
	leaf  *tls.Certificate
	renew time.Time
}

// New makes the identity of a node, a client or an operator. The secret is the same for the whole platform.
func New(secret, name string, kind Kind) (*Identity, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("make the identity of %s: the secret has %d characters: take at least %d random ones", name, len(secret), MinSecret)
	}
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, "mcp certificate authority 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("make the identity of %s: derive the authority's key: %w", name, err)
	}
	id := &Identity{name: name, kind: kind, key: ed25519.NewKeyFromSeed(seed), roots: x509.NewCertPool()}
	now := time.Now()
	id.root, err = sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mcp authority"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(rootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, id.key.Public(), id.key)
	if err != nil {
		return nil, fmt.Errorf("make the identity of %s: %w", name, err)
	}
	id.roots.AddCert(id.root)
	return id, nil
}

// Name is the name in the identity's certificate.
func (id *Identity) Name() string { return id.name }

// certificate returns this process's certificate, a new one when half of the
// present one's life is over.
func (id *Identity) certificate() (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := time.Now()
	if id.leaf != nil && now.Before(id.renew) {
		return id.leaf, nil
	}
	leaf, err := id.issue(now)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate to %s: %w", id.name, err)
	}
	id.leaf, id.renew = leaf, now.Add(leafLife/2)
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
		NotBefore:    now.Add(-skew), NotAfter: now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if id.kind == Node {
		leaf.ExtKeyUsage = append(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		leaf.DNSNames, leaf.IPAddresses = altNames(id.name)
	}
	signed, err := sign(leaf, id.root, public, id.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: private, Leaf: signed}, nil
}

// altNames is a node's name as others dial it: a host name, or an address.
func altNames(name string) (hosts []string, ips []net.IP) {
	if ip := net.ParseIP(name); ip != nil {
		return nil, []net.IP{ip}
	}
	return []string{name}, nil
}

// sign makes a certificate; a nil parent means that it signs itself.
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
