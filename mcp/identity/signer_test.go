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

// Over many periods, seen by a verifier that lags a whole period behind: every
// token is good from its first instant to its last, whichever key signed it.
func TestRotationRefusesNoToken(t *testing.T) {
	start := time.Now().Truncate(time.Second)
	now := start
	l := newLedger()
	s := newSigner(t, l, timing)
	behind := newLedger() // applies what l applied, a period later
	type entry struct {
		at time.Time
		c  *api.Command
	}
	var way []entry
	s.Commit = func(ctx context.Context, c *api.Command) (*api.Applied, error) {
		way = append(way, entry{now, c})
		return l.commit(ctx, c)
	}
	tend(t, s, now)
	for _, e := range way { // what it knew when it was cut off
		_, _ = behind.commit(t.Context(), e.c)
	}
	way = nil
	clock := func() time.Time { return now }
	near, far := &Verifier{Ledger: l, Now: clock}, &Verifier{Ledger: behind, Now: clock}
	used := map[string]bool{}
	var old []string
	for ; now.Before(start.Add(5 * timing.Rotate)); now = now.Add(timing.Life / 2) {
		tend(t, s, now)
		for len(way) > 0 && !way[0].at.Add(timing.Rotate*9/10).After(now) {
			_, _ = behind.commit(t.Context(), way[0].c)
			way = way[1:]
		}
		old = append(old, sign(t, s, anna, now))
		if len(old) > 3 {
			old = old[1:]
		}
		for i, token := range old { // now, half its life and its whole life old
			for name, v := range map[string]*Verifier{"near": near, "far": far} {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatalf("%v after the start, %s, token %d: %v", now.Sub(start), name, i, err)
				}
			}
		}
		used[kidOf(t, near, old[len(old)-1])] = true
		if files, _ := filepath.Glob(filepath.Join(s.Dir, "*.json")); len(files) > 4 {
			t.Errorf("%d private keys are kept", len(files))
		}
	}
	if len(used) < 5 {
		t.Errorf("%d keys signed in 5 periods: nothing rotated", len(used))
	}
	if n := len(l.SigningKeys()); n > 5 {
		t.Errorf("%d public keys are kept: the retired ones are not forgotten", n)
	}
}

func kidOf(t *testing.T, v *Verifier, token string) string {
	t.Helper()
	c, err := v.signed(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return c.key
}

func TestASignerThatIsCutOffSignsOnWithWhatIsPublished(t *testing.T) {
	start := time.Now()
	l := newLedger()
	s := newSigner(t, l, timing)
	s.Commit = func(context.Context, *api.Command) (*api.Applied, error) { return nil, errCutOff }
	if err := s.tend(t.Context(), start); err == nil || !strings.Contains(err.Error(), "publish signing key east-1.") {
		t.Errorf("cut off from the start: %v", err)
	}
	if _, err := s.sign(anna, start); err == nil {
		t.Error("signed with a key that nobody knows")
	}
	s.Commit = l.commit
	tend(t, s, start)
	s.Commit = func(context.Context, *api.Command) (*api.Applied, error) { return nil, errCutOff }
	for _, after := range []time.Duration{0, timing.Rotate, 2 * timing.Rotate} {
		now := start.Add(after)
		_ = s.tend(t.Context(), now)
		token := sign(t, s, anna, now)
		v := &Verifier{Ledger: l, Now: func() time.Time { return now }}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestKeysSurviveARestartAndAreForNobodyElse(t *testing.T) {
	now := time.Now()
	l := newLedger()
	s := newSigner(t, l, timing)
	tend(t, s, now)
	token := sign(t, s, anna, now)
	again := newSigner(t, l, timing)
	again.Dir = s.Dir
	if err := again.Open(); err != nil {
		t.Fatal(err)
	}
	again.Commit = func(context.Context, *api.Command) (*api.Applied, error) {
		t.Error("a restart publishes a key")
		return nil, errCutOff
	}
	tend(t, again, now)
	v := &Verifier{Ledger: l}
	if first, second := kidOf(t, v, token), kidOf(t, v, sign(t, again, anna, now)); first != second {
		t.Errorf("signs with %s after a restart, and with %s before", second, first)
	}
	files, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
	if len(files) != 2 {
		t.Errorf("files %v, want two keys", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it for its owner alone", f, info.Mode(), err)
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

// Run publishes by itself, and stops when it is told to.
func TestRunSuppliesKeys(t *testing.T) {
	l := newLedger()
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
