package identity

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Over many rotations, and for a verifier that lags a whole rotation behind, every token is
// valid throughout its lifetime, whichever key signed it.
func TestRotationRefusesNoToken(t *testing.T) {
	start := time.Now().Truncate(time.Second)
	now := start
	l := newKeyStore()
	s := newSigner(t, l, timing)
	behind := newKeyStore() // applies what l applied, a rotation later
	type entry struct {
		at time.Time
		c  *api.Command
	}
	var way []entry
	s.Commit = func(ctx context.Context, c *api.Command) (*api.Applied, error) {
		way = append(way, entry{now, c})
		return l.commit(ctx, c)
	}
	maintainKeys(t, s, now)
	for _, e := range way { // what it had applied when it was cut off
		_, _ = behind.commit(t.Context(), e.c)
	}
	way = nil
	clock := func() time.Time { return now }
	near, far := &Verifier{Keys: l, Now: clock}, &Verifier{Keys: behind, Now: clock}
	used := map[string]bool{}
	var old []string
	for ; now.Before(start.Add(5 * timing.KeyRotation)); now = now.Add(timing.TokenLifetime / 2) {
		maintainKeys(t, s, now)
		for len(way) > 0 && !way[0].at.Add(timing.KeyRotation*9/10).After(now) {
			_, _ = behind.commit(t.Context(), way[0].c)
			way = way[1:]
		}
		old = append(old, sign(t, s, anna, now))
		if len(old) > 3 {
			old = old[1:]
		}
		for i, token := range old { // new, half its lifetime old, and its whole lifetime old
			for name, v := range map[string]*Verifier{"near": near, "far": far} {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatalf("%v after the start, %s, token %d: %v", now.Sub(start), name, i, err)
				}
			}
		}
		used[kidOf(t, near, old[len(old)-1])] = true
		if files, _ := filepath.Glob(filepath.Join(s.Dir, "*.json")); len(files) > 4 {
			t.Errorf("there are %d private keys", len(files))
		}
	}
	if len(used) < 5 {
		t.Errorf("%d keys signed in 5 rotations", len(used))
	}
	if n := len(l.SigningKeys()); n > 5 {
		t.Errorf("there are %d public keys: the retired ones are not removed", n)
	}
}

func kidOf(t *testing.T, v *Verifier, token string) string {
	t.Helper()
	c, err := v.parse(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return c.keyID
}

func TestASignerThatIsCutOffUsesItsPublishedKeys(t *testing.T) {
	start := time.Now()
	l := newKeyStore()
	s := newSigner(t, l, timing)
	s.Commit = func(context.Context, *api.Command) (*api.Applied, error) { return nil, errCutOff }
	if err := s.maintainKeys(t.Context(), start); err == nil || !strings.Contains(err.Error(), "publish signing key east-1.") {
		t.Errorf("cut off from the start: %v", err)
	}
	if _, err := s.sign(anna, start); err == nil {
		t.Error("signed with an unpublished key")
	}
	s.Commit = l.commit
	maintainKeys(t, s, start)
	s.Commit = func(context.Context, *api.Command) (*api.Applied, error) { return nil, errCutOff }
	for _, after := range []time.Duration{0, timing.KeyRotation, 2 * timing.KeyRotation} {
		now := start.Add(after)
		_ = s.maintainKeys(t.Context(), now)
		token := sign(t, s, anna, now)
		v := &Verifier{Keys: l, Now: func() time.Time { return now }}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestKeysSurviveARestartAndOnlyTheirOwnerMayReadThem(t *testing.T) {
	now := time.Now()
	l := newKeyStore()
	s := newSigner(t, l, timing)
	maintainKeys(t, s, now)
	token := sign(t, s, anna, now)
	again := newSigner(t, l, timing)
	again.Dir = s.Dir
	if err := again.Open(); err != nil {
		t.Fatal(err)
	}
	again.Commit = func(context.Context, *api.Command) (*api.Applied, error) {
		t.Error("a restart publishes another key")
		return nil, errCutOff
	}
	maintainKeys(t, again, now)
	v := &Verifier{Keys: l}
	if first, second := kidOf(t, v, token), kidOf(t, v, sign(t, again, anna, now)); first != second {
		t.Errorf("signs with %s after a restart, and with %s before", second, first)
	}
	files, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
	if len(files) != 2 {
		t.Errorf("files %v, want two keys", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want that only its owner may read it", f, info.Mode(), err)
		}
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := newSigner(t, l, timing)
	broken.Dir = s.Dir
	if err := broken.Open(); err == nil || !strings.Contains(err.Error(), files[0]) {
		t.Errorf("a damaged key: %v, want an error that names the file", err)
	}
}

// Run publishes keys and returns when its context ends.
func TestRunPublishesKeys(t *testing.T) {
	l := newKeyStore()
	s := newSigner(t, l, timing)
	var mu sync.Mutex
	refused := 0
	s.Commit = func(ctx context.Context, c *api.Command) (*api.Applied, error) {
		mu.Lock()
		defer mu.Unlock()
		if refused++; refused < 3 {
			return nil, errCutOff // an election is under way
		}
		return l.commit(ctx, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	for end := time.Now().Add(10 * time.Second); len(l.SigningKeys()) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited 10 s for two keys")
		}
	}
	cancel()
	<-done
}
