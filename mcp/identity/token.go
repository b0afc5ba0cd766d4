// Package identity says who calls. A user shows a certificate once and is
// issued a token, short-lived and signed; from then on any node of the platform
// knows him by it with nobody's help, for the keys that tokens are verified by
// are in the replicated log.
//
//	client ─certificate─► Issue ─┐                 ┌─► state: public keys, revocations
//	       ─token───────► Refresh┴► signer ─commit─┘         │
//	       ─token───────► any API of any node ─► guard ─► verifier
//
// A signing key never leaves the identity node that made it; its public half is
// committed well before its first use and kept until its last token has died.
//
// It tells who somebody is, not what he may do, except for what is between
// nodes alone. It is no login: people and passwords are somebody else's task.
package identity

import (
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Skew is how far the clocks of two nodes may be apart before tokens of one
// are refused by the other.
const Skew = 2 * time.Second

// audience is whom tokens are for.
const audience = "mcp"

// Timing is how long things last.
type Timing struct {
	Life    time.Duration // of a token
	Refresh time.Duration // age at which a client asks for the next one
	Rotate  time.Duration // a node signs with one key for this long
	Session time.Duration // a session is refreshed for this long; then the certificate is asked for again
}

// kept is how long after it begins to sign a key is good for verifying: it
// signs for one period, for another if its successor cannot be published,
// and its last token has to live out its life.
func (t Timing) kept() time.Duration { return 2*t.Rotate + t.Life + Skew }

// claims is what a token says.
type claims struct {
	jwt.RegisteredClaims            // issuer: the node that signed; subject: the user
	Kind                 trust.Kind `json:"kind"`
	// Session is the same in all tokens that follow from one Issue, and Began is when that was.
	Session string           `json:"sid"`
	Began   *jwt.NumericDate `json:"auth_time"`
	key     string           // by which the token was verified
}

func (c *claims) principal() Principal {
	return Principal{Name: c.Subject, Kind: c.Kind, Session: c.Session, began: c.Began.Time}
}
