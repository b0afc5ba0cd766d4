package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mcp-resilience/holdfast/internal/durable"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Signer makes an identity node's tokens and signing keys. There are always two keys: one
// that signs, and the next one, which is published already, so that a node that is cut
// off for less than a rotation period knows both. Set all exported fields, then call Open
// and Run.
type Signer struct {
	Node   string
	Dir    string // of the private keys
	Keys   KeyStore
	Timing Timing
	// Commit commits a command to the replicated log.
	Commit func(ctx context.Context, c *api.Command) (*api.Applied, error)
	Emit   func(text string, fields map[string]string) // emits an event

	mu   sync.Mutex
	keys []key // by From
}

// key is a signing key as it is stored on the node's disk.
type key struct {
	ID    string             `json:"id"`
	Key   ed25519.PrivateKey `json:"key"`
	From  time.Time          `json:"from"`
	Until time.Time          `json:"until"`
}

func (k key) published(node string) state.SigningKey {
	return state.SigningKey{Node: node, Public: k.Key.Public().(ed25519.PublicKey), From: k.From, Until: k.Until}
}

// Open reads the keys that are on disk, so that a restart makes no new ones.
func (s *Signer) Open() error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("open signing keys: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.json"))
	if err != nil {
		return fmt.Errorf("open signing keys: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("open signing keys: %w", err)
		}
		var k key
		if err := json.Unmarshal(b, &k); err != nil || len(k.Key) != ed25519.PrivateKeySize {
			return fmt.Errorf("open signing key %s: the file is damaged. Remove it, and the node makes a new key", f)
		}
		s.keys = append(s.keys, k)
	}
	s.sort()
	return nil
}

func (s *Signer) sort() {
	slices.SortFunc(s.keys, func(a, b key) int { return a.From.Compare(b.From) })
}

// Run makes and publishes keys until ctx ends.
func (s *Signer) Run(ctx context.Context) {
	reported := false // whether the present failure is reported
	for {
		wait := min(time.Second, s.Timing.KeyRotation/20)
		err := s.maintainKeys(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			wait = 100 * time.Millisecond
			if !reported {
				reported = true
				s.Emit(err.Error()+"; the published keys go on signing", map[string]string{"error": err.Error()})
			}
		} else {
			reported = false
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// maintainKeys makes missing keys, publishes unpublished ones, and removes expired ones.
func (s *Signer) maintainKeys(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	err := s.ensureKeys(now)
	keys := slices.Clone(s.keys)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	for _, k := range keys {
		if _, ok := s.Keys.SigningKey(k.ID); ok {
			continue
		}
		if _, err := s.Commit(ctx, k.published(s.Node).Command(k.ID, now)); err != nil {
			return fmt.Errorf("publish signing key %s: %w", k.ID, err)
		}
		s.Emit("signing key "+k.ID+" is published", map[string]string{
			"key": k.ID, "from": k.From.UTC().Format(time.RFC3339), "until": k.Until.UTC().Format(time.RFC3339),
		})
	}
	return nil
}

// ensureKeys makes keys until there is one that signs and a next one. The caller holds the lock.
func (s *Signer) ensureKeys(now time.Time) error {
	var errs []error
	s.keys = slices.DeleteFunc(s.keys, func(k key) bool {
		if ended := k.Until.Before(now); !ended {
			return false
		}
		errs = append(errs, os.Remove(s.file(k)))
		return true
	})
	for len(s.keys) == 0 || !s.keys[len(s.keys)-1].From.After(now) {
		from := now
		if n := len(s.keys); n > 0 && s.keys[n-1].From.Add(s.Timing.KeyRotation).After(now) {
			from = s.keys[n-1].From.Add(s.Timing.KeyRotation)
		}
		k, err := s.newKey(from)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		s.keys = append(s.keys, k)
	}
	return errors.Join(errs...)
}

// newKey makes a key that signs from an instant on, and syncs it to disk, because the
// private half must not be lost once the public half is committed.
func (s *Signer) newKey(from time.Time) (key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, err
	}
	k := key{
		ID: s.Node + "." + strings.ToLower(rand.Text()[:10]), Key: private,
		From: from.Truncate(time.Millisecond), Until: from.Add(s.Timing.keyLifetime()).Truncate(time.Millisecond),
	}
	b, err := json.Marshal(k)
	if err != nil {
		return key{}, err
	}
	return k, durable.WriteFile(s.file(k), b, 0o600)
}

func (s *Signer) file(k key) string { return filepath.Join(s.Dir, k.ID+".json") }

// sign issues a token to p, in p's session or, if it has none, in a new one. It uses the
// latest key that is published and may sign already.
func (s *Signer) sign(p Principal, now time.Time) (string, error) {
	s.mu.Lock()
	keys := slices.Clone(s.keys)
	s.mu.Unlock()
	until := now.Add(s.Timing.TokenLifetime)
	for _, k := range slices.Backward(keys) {
		if k.From.After(now) || k.Until.Before(until) {
			continue
		}
		if _, ok := s.Keys.SigningKey(k.ID); !ok {
			continue
		}
		if p.Session == "" {
			p.Session, p.sessionStart = rand.Text(), now
		}
		t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &claims{
			RegisteredClaims: jwt.RegisteredClaims{
				Issuer: s.Node, Subject: p.Name, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
				IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(until),
			},
			Kind: p.Kind, Session: p.Session, SessionStart: jwt.NewNumericDate(p.sessionStart),
		})
		t.Header["kid"] = k.ID
		return t.SignedString(k.Key)
	}
	return "", errors.New("no signing key of this node has been committed yet")
}
