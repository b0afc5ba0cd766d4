// Package identity authenticates callers. A user shows a certificate once and is issued a
// token, which is signed and short-lived. From then on any node can verify the token by
// itself, because the public keys are in the replicated log.
//
//	client ─certificate─► Issue ─┐                 ┌─► state: public keys, revocations
//	       ─token───────► Refresh┴► signer ─commit─┘         │
//	       ─token───────► any API of any node ─► guard ─► verifier
//
// A signing key never leaves the identity node that made it. Its public half is committed
// well before its first use, and kept until its last token has expired.
//
// The package authenticates. It authorises only the services that are restricted to nodes
// or operators. People and passwords are out of its scope.
package identity

import (
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// MaxClockSkew is how far the clocks of two nodes may differ before one refuses the tokens
// of the other.
const MaxClockSkew = 2 * time.Second

// audience is the audience of every token.
const audience = "mcp"

// Timing are the lifetimes of tokens, keys and sessions.
type Timing struct {
	TokenLifetime   time.Duration // how long a token is valid
	RefreshAfter    time.Duration // the age at which a client refreshes its token
	KeyRotation     time.Duration // how long a node signs with one key
	SessionLifetime time.Duration // how long a session can be refreshed; after that a certificate is needed again
}

// keyLifetime is how long a public key is kept after the key begins to sign: it signs
// for one period, for another one if the next key cannot be published, and its last token
// must be verified until it expires.
func (t Timing) keyLifetime() time.Duration { return 2*t.KeyRotation + t.TokenLifetime + MaxClockSkew }

// claims are the claims of a token.
type claims struct {
	jwt.RegisteredClaims          // issuer: the node that signed; subject: the user
	Kind                 pki.Kind `json:"kind"`
	// Session is the same in all tokens that follow from one Issue, and SessionStart is the
	// time of that call.
	Session      string           `json:"sid"`
	SessionStart *jwt.NumericDate `json:"auth_time"`
	keyID        string           // of the key that the token was verified with
}

func (c *claims) principal() Principal {
	return Principal{Name: c.Subject, Kind: c.Kind, Session: c.Session, sessionStart: c.SessionStart.Time}
}
