package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyStore is the replicated state of a node, which may lag behind.
type keyStore struct {
	*state.State
	mu    sync.Mutex
	index uint64
}

func newKeyStore() *keyStore { return &keyStore{State: state.New()} }

func (l *keyStore) commit(_ context.Context, c *api.Command) (*api.Applied, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return l.Apply(l.index, 1, c), nil
}

// timing is so long that nothing expires during a test.
var timing = Timing{TokenLifetime: time.Minute, RefreshAfter: 10 * time.Second, KeyRotation: 5 * time.Minute, SessionLifetime: time.Hour}

func newSigner(t *testing.T, l *keyStore, timing Timing) *Signer {
	t.Helper()
	s := &Signer{Node: "east-1", Dir: t.TempDir(), Keys: l, Timing: timing, Commit: l.commit, Emit: func(string, map[string]string) {}}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}

var anna = Principal{Name: "anna", Kind: pki.Client}

func maintainKeys(t *testing.T, s *Signer, now time.Time) {
	t.Helper()
	if err := s.maintainKeys(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

func sign(t *testing.T, s *Signer, p Principal, now time.Time) string {
	t.Helper()
	token, err := s.sign(p, now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEveryBadTokenIsRefusedForItsOwnReason(t *testing.T) {
	now := time.Now()
	l := newKeyStore()
	s := newSigner(t, l, timing)
	maintainKeys(t, s, now)
	key := s.keys[0]
	v := &Verifier{Keys: l, Now: func() time.Time { return now }}

	_, stranger, _ := ed25519.GenerateKey(nil)
	// good returns the claims of a good token, with a change.
	good := func(change func(*claims)) *claims {
		c := &claims{
			RegisteredClaims: jwt.RegisteredClaims{
				Issuer: "east-1", Subject: "anna", Audience: jwt.ClaimStrings{audience},
				IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
			},
			Kind: pki.Client, Session: "s1", SessionStart: jwt.NewNumericDate(now),
		}
		if change != nil {
			change(c)
		}
		return c
	}
	token := func(method jwt.SigningMethod, kid string, with any, c *claims) string {
		t.Helper()
		tok := jwt.NewWithClaims(method, c)
		tok.Header["kid"] = kid
		out, err := tok.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole := token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(nil))
	parts := strings.Split(whole, ".")
	others := strings.Split(token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Subject = "berta" })), ".")
	public := []byte(key.Key.Public().(ed25519.PublicKey))
	revoked := token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Session = "gone" }))
	if _, err := v.Verify(t.Context(), revoked); err != nil {
		t.Fatalf("before it is revoked: %v", err)
	}
	_, _ = l.commit(t.Context(), &api.Command{Do: &api.Command_Revocation{Revocation: &api.Revocation{
		Session: "gone", UntilUnixMs: now.Add(time.Hour).UnixMilli(), NowUnixMs: now.UnixMilli(),
	}}})
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(now.Add(d)) }

	for _, tc := range []struct {
		name, token, want string
	}{
		{"a good one", whole, ""},
		{"empty", "", "malformed"},
		{"not a token", "let me in", "malformed"},
		{"signed with a key of somebody else", token(jwt.SigningMethodEdDSA, key.ID, stranger, good(nil)), "forged: its signature is not that"},
		{"the claims of another token with its signature", parts[0] + "." + others[1] + "." + parts[2], "forged: its signature is not that"},
		{"an unpublished key", token(jwt.SigningMethodEdDSA, "mine", stranger, good(nil)), "is unknown on this node"},
		{"a key of another node", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Issuer = "north-1" })), "does not belong to its issuer north-1"},
		{"no algorithm", token(jwt.SigningMethodNone, key.ID, jwt.UnsafeAllowNoneSignatureType, good(nil)), "by the algorithm none and not by EdDSA"},
		{"the public key as a shared secret", token(jwt.SigningMethodHS256, key.ID, public, good(nil)), "by the algorithm HS256 and not by EdDSA"},
		{"expired", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(-MaxClockSkew - 2*time.Second) })), "it expired"},
		{"expired within the clock skew", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(-MaxClockSkew / 2) })), ""},
		{"not valid yet", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.NotBefore = at(MaxClockSkew + 2*time.Second) })), "it is not valid for another"},
		{"without an expiry", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = nil })), "not valid throughout its life"},
		{"expires after its key", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(24 * time.Hour) })), "not valid throughout its life"},
		{"issued before its key", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.IssuedAt = at(-time.Hour) })), "not valid throughout its life"},
		{"revoked", revoked, "its session has been revoked"},
		{"for somebody else", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Audience = jwt.ClaimStrings{"shop"} })), "no token of this platform"},
		{"without a subject", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Subject = "" })), "no token of this platform"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, use := range []string{"first use", "second use"} {
				p, err := v.Verify(t.Context(), tc.token)
				switch {
				case tc.want == "" && (err != nil || p.Name != "anna" || p.ByCertificate()):
					t.Errorf("%s: %v, %v; want anna by token", use, p, err)
				case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
					t.Errorf("%s: %v, %v; want an error that contains %q", use, p, err, tc.want)
				}
			}
		})
	}
}

// A remembered token is checked at each use.
func TestARememberedTokenExpires(t *testing.T) {
	start := time.Now()
	now := start
	l := newKeyStore()
	s := newSigner(t, l, timing)
	maintainKeys(t, s, now)
	v := &Verifier{Keys: l, Now: func() time.Time { return now }}
	token := sign(t, s, anna, now)
	for _, tc := range []struct {
		at   time.Duration
		want string
	}{{0, ""}, {timing.TokenLifetime, ""}, {timing.TokenLifetime + MaxClockSkew + time.Second, "it expired"}} {
		now = start.Add(tc.at)
		if _, err := v.Verify(t.Context(), token); (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("after %v: %v, want %q", tc.at, err, tc.want)
		}
	}
}

// A token may arrive before the commit of its key.
func TestVerifyWaitsForAKeyThatIsNotCommittedYet(t *testing.T) {
	now := time.Now()
	issuers, ours := newKeyStore(), newKeyStore()
	s := newSigner(t, issuers, timing)
	maintainKeys(t, s, now)
	token := sign(t, s, anna, now)
	v := &Verifier{Keys: ours}
	verified := make(chan error, 1)
	go func() {
		_, err := v.Verify(context.Background(), token)
		verified <- err
	}()
	_, _ = ours.commit(t.Context(), &api.Command{}) // another command
	k, _ := issuers.SigningKey(s.keys[0].ID)
	_, _ = ours.commit(t.Context(), k.Command(s.keys[0].ID, now))
	if err := <-verified; err != nil {
		t.Error(err)
	}
}

var errCutOff = errors.New("no leader known")
