package state_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func revocation(session string, until, now time.Time) *api.Command {
	return &api.Command{Do: &api.Command_Revocation{Revocation: &api.Revocation{
		Session: session, UntilUnixMs: until.UnixMilli(), NowUnixMs: now.UnixMilli(),
	}}}
}

func TestKeysAndRevocationsExpire(t *testing.T) {
	start := time.UnixMilli(1_800_000_000_000)
	key := func(until time.Duration) state.SigningKey {
		return state.SigningKey{Node: "east-1", Public: []byte{1}, From: start, Until: start.Add(until)}
	}
	s := state.New()
	for i, c := range []*api.Command{
		key(time.Minute).Command("short", start),
		key(time.Hour).Command("long", start),
		key(2*time.Hour).Command("long", start), // a key never changes
		revocation("s1", start.Add(time.Minute), start),
		revocation("s2", start.Add(time.Hour), start),
	} {
		s.Apply(uint64(i+1), 1, c)
	}
	check := func(when string, s *state.State, want map[string]state.SigningKey, revoked ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.SigningKeys()); diff != "" {
			t.Errorf("%s, keys (-want +got):\n%s", when, diff)
		}
		for _, session := range []string{"s1", "s2", "s3"} {
			want := false
			for _, r := range revoked {
				want = want || r == session
			}
			if got := s.Revoked(session); got != want {
				t.Errorf("%s, %s revoked: %v, want %v", when, session, got, want)
			}
		}
	}
	all := map[string]state.SigningKey{"short": key(time.Minute), "long": key(time.Hour)}
	check("at first", s, all, "s1", "s2")

	var saved bytes.Buffer
	if err := s.Snapshot().Write(&saved); err != nil {
		t.Fatal(err)
	}
	// One whose clock is a little ahead does not make the others forget.
	s.Apply(6, 1, revocation("s3", start.Add(time.Hour), start.Add(90*time.Second)))
	check("a moment after they ended", s, all, "s1", "s2", "s3")
	s.Apply(7, 1, key(3*time.Hour).Command("next", start.Add(10*time.Minute)))
	check("long after", s, map[string]state.SigningKey{"long": key(time.Hour), "next": key(3 * time.Hour)}, "s2", "s3")

	restored := state.New()
	if err := restored.Restore(&saved); err != nil {
		t.Fatal(err)
	}
	check("restored", restored, all, "s1", "s2")
}
