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

// lag is how long a key that is not known yet is waited for: a token may
// overtake the commit of its key, by as much as this node's log is behind.
const lag = 300 * time.Millisecond

// remembered is how many verified tokens a node keeps, so that a signature is
// checked once and not with every call.
const remembered = 4096

// Ledger is what the nodes agree on about tokens.
type Ledger interface {
	SigningKey(id string) (state.SigningKey, bool)
	SigningKeys() map[string]state.SigningKey
	Revoked(session string) bool
	Applied() (index uint64, more <-chan struct{})
}

var _ Ledger = (*state.State)(nil)

// Verifier judges tokens by what this node knows. Ledger is needed.
type Verifier struct {
	Ledger Ledger
	Now    func() time.Time // nil means time.Now

	mu    sync.Mutex
	known map[string]*claims // whose signature is good, by token
}

// Verify returns whom a token was issued to; the error says why it is not good.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	c, err := v.signed(ctx, token)
	if err == nil {
		err = v.valid(c)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("bad token: %w", err)
	}
	return c.principal(), nil
}

// valid judges what changes with time.
func (v *Verifier) valid(c *claims) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	key, ok := v.Ledger.SigningKey(c.key)
	switch {
	case !ok || now.After(key.Until.Add(Skew)):
		return fmt.Errorf("its signing key %s has been retired", c.key)
	case now.After(c.ExpiresAt.Add(Skew)):
		return fmt.Errorf("it expired %v ago", now.Sub(c.ExpiresAt.Time).Round(time.Millisecond))
	case now.Before(c.NotBefore.Add(-Skew)):
		return fmt.Errorf("it is not valid for another %v", c.NotBefore.Sub(now).Round(time.Millisecond))
	case v.Ledger.Revoked(c.Session):
		return errors.New("its session has been revoked")
	}
	return nil
}

// signed returns the claims of a token whose signature and form are good.
func (v *Verifier) signed(ctx context.Context, token string) (*claims, error) {
	v.mu.Lock()
	c := v.known[token]
	v.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c = new(claims)
	// Whether it is valid now is asked at each use, so not here.
	_, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		return v.key(ctx, t, c)
	})
	if err != nil {
		return nil, reason(err)
	}
	if err := c.whole(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil || len(v.known) >= remembered {
		v.known = map[string]*claims{}
	}
	v.known[token] = c
	return c, nil
}

// refusal is a reason of our own among those of the library.
type refusal struct{ error }

// key finds the key that a token names. Its algorithm is ours to choose and
// not the token's: a public key must never serve as a shared secret.
func (v *Verifier) key(ctx context.Context, t *jwt.Token, c *claims) (any, error) {
	if t.Method != jwt.SigningMethodEdDSA {
		return nil, refusal{fmt.Errorf("it is signed by the algorithm %s and not by EdDSA", t.Method.Alg())}
	}
	id, _ := t.Header["kid"].(string)
	ctx, cancel := context.WithTimeout(ctx, lag)
	defer cancel()
	for {
		_, more := v.Ledger.Applied()
		if k, ok := v.Ledger.SigningKey(id); ok {
			if k.Node != c.Issuer {
				return nil, refusal{fmt.Errorf("forged: its signing key %s is not of %s, whom it names as its issuer", id, c.Issuer)}
			}
			if c.IssuedAt == nil || c.IssuedAt.Before(k.From.Add(-Skew)) || c.ExpiresAt == nil || c.ExpiresAt.After(k.Until.Add(Skew)) {
				return nil, refusal{fmt.Errorf("forged: its signing key %s was not valid throughout its life", id)}
			}
			c.key = id
			return ed25519.PublicKey(k.Public), nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, refusal{fmt.Errorf("its signing key %q is not known here: forged, or retired", id)}
		}
	}
}

// whole says whether the token has all that a good one has.
func (c *claims) whole() error {
	if c.Subject == "" || c.Session == "" || c.Began == nil || c.NotBefore == nil || !slices.Contains(c.Audience, audience) {
		return errors.New("it is signed, but not a token for this platform")
	}
	return nil
}

// issuerOf is the node that a token names as its issuer, unverified.
func issuerOf(token string) string {
	c := new(claims)
	if _, _, err := jwt.NewParser().ParseUnverified(token, c); err != nil {
		return ""
	}
	return c.Issuer
}

// reason says in our words why the library refused.
func reason(err error) error {
	var ours refusal
	switch {
	case errors.As(err, &ours):
		return ours.error
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return errors.New("forged: its signature is not that of the key it names")
	}
	return fmt.Errorf("malformed: %w", err)
}
