package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// keyCommitWait is how long to wait for an unknown key: a token may arrive before the
// commit of its key if this node's log lags behind.
const keyCommitWait = 300 * time.Millisecond

// maxVerifiedTokens is how many verified tokens a node remembers, so that a signature is
// checked once and not at every call.
const maxVerifiedTokens = 4096

// KeyStore is the replicated state of keys and revocations.
type KeyStore interface {
	SigningKey(id string) (state.SigningKey, bool)
	SigningKeys() map[string]state.SigningKey
	Revoked(session string) bool
	Applied() (index uint64, more <-chan struct{})
}

var _ KeyStore = (*state.State)(nil)

// Verifier verifies tokens with what this node knows. Keys is required.
type Verifier struct {
	Keys KeyStore
	Now  func() time.Time // nil means time.Now

	mu       sync.Mutex
	verified map[string]*claims // claims of tokens with a good signature, by token
}

// Verify returns the user that a token was issued to, or why it is not valid.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	c, err := v.parse(ctx, token)
	if err == nil {
		err = v.checkValidity(c)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("bad token: %w", err)
	}
	return c.principal(), nil
}

// checkValidity checks what changes with time.
func (v *Verifier) checkValidity(c *claims) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	key, ok := v.Keys.SigningKey(c.keyID)
	switch {
	case !ok || now.After(key.Until.Add(MaxClockSkew)):
		return fmt.Errorf("its signing key %s has been retired", c.keyID)
	case now.After(c.ExpiresAt.Add(MaxClockSkew)):
		return fmt.Errorf("it expired %v ago", now.Sub(c.ExpiresAt.Time).Round(time.Millisecond))
	case now.Before(c.NotBefore.Add(-MaxClockSkew)):
		return fmt.Errorf("it is not valid for another %v", c.NotBefore.Sub(now).Round(time.Millisecond))
	case v.Keys.Revoked(c.Session):
		return errors.New("its session has been revoked")
	}
	return nil
}

// parse checks the signature and form of a token, and returns its claims.
func (v *Verifier) parse(ctx context.Context, token string) (*claims, error) {
	v.mu.Lock()
	c := v.verified[token]
	v.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c = new(claims)
	// Whether the token is valid now is checked at each use, and not here.
	_, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		return v.findKey(ctx, t, c)
	})
	if err != nil {
		return nil, describeParseError(err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verified == nil || len(v.verified) >= maxVerifiedTokens {
		v.verified = map[string]*claims{}
	}
	v.verified[token] = c
	return c, nil
}

// keyError marks an error of findKey among the errors of the JWT library.
type keyError struct{ error }

// findKey returns the key that a token names. The algorithm is fixed and not the token's
// choice: a public key must never be used as a shared secret.
func (v *Verifier) findKey(ctx context.Context, t *jwt.Token, c *claims) (any, error) {
	if t.Method != jwt.SigningMethodEdDSA {
		return nil, keyError{fmt.Errorf("it is signed by the algorithm %s and not by EdDSA", t.Method.Alg())}
	}
	id, _ := t.Header["kid"].(string)
	ctx, cancel := context.WithTimeout(ctx, keyCommitWait)
	defer cancel()
	for {
		_, more := v.Keys.Applied()
		if k, ok := v.Keys.SigningKey(id); ok {
			if k.Node != c.Issuer {
				return nil, keyError{fmt.Errorf("forged: its signing key %s does not belong to its issuer %s", id, c.Issuer)}
			}
			if c.IssuedAt == nil || c.IssuedAt.Before(k.From.Add(-MaxClockSkew)) || c.ExpiresAt == nil || c.ExpiresAt.After(k.Until.Add(MaxClockSkew)) {
				return nil, keyError{fmt.Errorf("forged: its signing key %s was not valid throughout its lifetime", id)}
			}
			c.keyID = id
			return ed25519.PublicKey(k.Public), nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, keyError{fmt.Errorf("its signing key %q is unknown on this node: forged, or retired", id)}
		}
	}
}

// check returns an error if the token lacks a claim.
func (c *claims) check() error {
	if c.Subject == "" || c.Session == "" || c.SessionStart == nil || c.NotBefore == nil || !slices.Contains(c.Audience, audience) {
		return errors.New("it is signed, but is no token of this platform")
	}
	return nil
}

// describeParseError returns a plain error for one of the library.
func describeParseError(err error) error {
	var key keyError
	switch {
	case errors.As(err, &key):
		return key.error
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return errors.New("forged: its signature is not that of the key it names")
	}
	return fmt.Errorf("malformed: %w", err)
}
