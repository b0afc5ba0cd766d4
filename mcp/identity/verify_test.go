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
	"github.com/mcp-resilience/holdfast/mcp/state"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is the replicated log of a node, which may be behind.
type ledger struct {
	*state.State
	mu    sync.Mutex
	index uint64
}

func newLedger() *ledger { return &ledger{State: state.New()} }

func (l *ledger) commit(_ context.Context, c *api.Command) (*api.Applied, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return l.Apply(l.index, 1, c), nil
}

// timing is long enough that nothing ends during a test.
var timing = Timing{Life: time.Minute, Refresh: 10 * time.Second, Rotate: 5 * time.Minute, Session: time.Hour}

func newSigner(t *testing.T, l *ledger, timing Timing) *Signer {
	t.Helper()
	s := &Signer{Node: "east-1", Dir: t.TempDir(), Ledger: l, Timing: timing, Commit: l.commit, Told: func(string, map[string]string) {}}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}

var anna = Principal{Name: "anna", Kind: trust.Client}

func tend(t *testing.T, s *Signer, now time.Time) {
	t.Helper()
	if err := s.tend(t.Context(), now); err != nil {
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
	l := newLedger()
	s := newSigner(t, l, timing)
	tend(t, s, now)
	key := s.keys[0]
	v := &Verifier{Ledger: l, Now: func() time.Time { return now }}

	_, stranger, _ := ed25519.GenerateKey(nil)
	// good is the claims of a good token, changed.
	good := func(change func(*claims)) *claims {
		c := &claims{
			RegisteredClaims: jwt.RegisteredClaims{
				Issuer: "east-1", Subject: "anna", Audience: jwt.ClaimStrings{audience},
				IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
			},
			Kind: trust.Client, Session: "s1", Began: jwt.NewNumericDate(now),
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
		name, token, says string
	}{
		{"a good one", whole, ""},
		{"none", "", "malformed"},
		{"no token at all", "let me in", "malformed"},
		{"signed by a key of somebody else", token(jwt.SigningMethodEdDSA, key.ID, stranger, good(nil)), "forged: its signature is not that"},
		{"the claims of another under its signature", parts[0] + "." + others[1] + "." + parts[2], "forged: its signature is not that"},
		{"a key that nobody published", token(jwt.SigningMethodEdDSA, "mine", stranger, good(nil)), "not known here"},
		{"a key of another node", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Issuer = "north-1" })), "not of north-1"},
		{"no algorithm", token(jwt.SigningMethodNone, key.ID, jwt.UnsafeAllowNoneSignatureType, good(nil)), "by the algorithm none and not by EdDSA"},
		{"the public key as a shared secret", token(jwt.SigningMethodHS256, key.ID, public, good(nil)), "by the algorithm HS256 and not by EdDSA"},
		{"expired", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(-Skew - 2*time.Second) })), "it expired"},
		{"expired within the skew of clocks", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(-Skew / 2) })), ""},
		{"not valid yet", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.NotBefore = at(Skew + 2*time.Second) })), "it is not valid for another"},
		{"without an end", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = nil })), "not valid throughout its life"},
		{"that outlives its key", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.ExpiresAt = at(24 * time.Hour) })), "not valid throughout its life"},
		{"from before its key", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.IssuedAt = at(-time.Hour) })), "not valid throughout its life"},
		{"revoked", revoked, "its session has been revoked"},
		{"for somebody else", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Audience = jwt.ClaimStrings{"shop"} })), "not a token for this platform"},
		{"of nobody", token(jwt.SigningMethodEdDSA, key.ID, key.Key, good(func(c *claims) { c.Subject = "" })), "not a token for this platform"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, again := range []string{"at first", "from memory"} {
				p, err := v.Verify(t.Context(), tc.token)
				switch {
				case tc.says == "" && (err != nil || p.Name != "anna" || p.ByCertificate()):
					t.Errorf("%s: %v, %v; want anna by token", again, p, err)
				case tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
					t.Errorf("%s: %v, %v; want an error that says %q", again, p, err, tc.says)
				}
			}
		})
	}
}

// A token that was good, and is remembered, is judged anew each time.
func TestAGoodTokenEnds(t *testing.T) {
	start := time.Now()
	now := start
	l := newLedger()
	s := newSigner(t, l, timing)
	tend(t, s, now)
	v := &Verifier{Ledger: l, Now: func() time.Time { return now }}
	token := sign(t, s, anna, now)
	for _, tc := range []struct {
		at   time.Duration
		says string
	}{{0, ""}, {timing.Life, ""}, {timing.Life + Skew + time.Second, "it expired"}} {
		now = start.Add(tc.at)
		if _, err := v.Verify(t.Context(), token); (err == nil) != (tc.says == "") || (err != nil && !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("after %v: %v, want %q", tc.at, err, tc.says)
		}
	}
}

// A token may come before the commit of its key has.
func TestAKeyThatIsOnItsWayIsWaitedFor(t *testing.T) {
	now := time.Now()
	issuers, ours := newLedger(), newLedger()
	s := newSigner(t, issuers, timing)
	tend(t, s, now)
	token := sign(t, s, anna, now)
	v := &Verifier{Ledger: ours}
	verified := make(chan error, 1)
	go func() {
		_, err := v.Verify(context.Background(), token)
		verified <- err
	}()
	_, _ = ours.commit(t.Context(), &api.Command{}) // something else
	k, _ := issuers.SigningKey(s.keys[0].ID)
	_, _ = ours.commit(t.Context(), k.Command(s.keys[0].ID, now))
	if err := <-verified; err != nil {
		t.Error(err)
	}
}

var errCutOff = errors.New("no leader known")
