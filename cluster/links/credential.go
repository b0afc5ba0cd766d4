package links

import (
	"crypto/rand"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// CredentialEnv is the environment variable by which a runtime hands a linkd its
// credential.
const CredentialEnv = wire.CredentialEnv

// NewCredential draws the credential of one linkd: 130 random bits as text. It is
// not derived from the run's secret, because the system under test is given that
// secret: it could repeat the derivation and command the proxies of its own links.
func NewCredential() string { return rand.Text() }
