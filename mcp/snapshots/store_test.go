package snapshots

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stores returns an empty store of each kind.
func stores(t *testing.T) map[string]*Store {
	t.Helper()
	out := map[string]*Store{}
	for kind, at := range map[string]string{
		"file": "file://" + filepath.Join(t.TempDir(), "not", "there", "yet"),
		"s3":   startFakeS3(t).url("prefix", "holdfast/"),
	} {
		s, err := Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		out[kind] = s
	}
	return out
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// stateOf is a state that has newlines in it, as the header of an object ends with one.
func stateOf(index uint64) []byte { return fmt.Appendf(nil, "{\n\"state\": %d\n}\n", index) }

func save(t *testing.T, s *Store, generation, index uint64) Info {
	t.Helper()
	i, err := s.Save(t.Context(), Info{Generation: generation, Index: index, Term: 3, Taken: noon, By: "east-1"}, stateOf(index))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestTheNewestComesBackAsItWasSaved(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			if _, _, skipped, err := s.Latest(t.Context()); !errors.Is(err, ErrNoSnapshot) || len(skipped) > 0 {
				t.Fatalf("an empty store returns %v and skipped %v, want ErrNoSnapshot and nothing", err, skipped)
			}
			save(t, s, 0, 9)
			save(t, s, 0, 100) // 100 is after 9, not between 1 and 2
			if i, _, _, err := s.Latest(t.Context()); err != nil || i.Index != 100 {
				t.Fatalf("the newest is %d, %v, want 100", i.Index, err)
			}
			want := save(t, s, 1, 50) // a later generation is newer, whatever its index
			got, state, skipped, err := s.Latest(t.Context())
			if err != nil || len(skipped) > 0 {
				t.Fatalf("latest: %v, skipped %v", err, skipped)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !bytes.Equal(state, stateOf(50)) {
				t.Errorf("the state came back as %q", state)
			}
		})
	}
}

func TestFiveStay(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			var all []string
			for i := range uint64(8) {
				all = append(all, save(t, s, 0, 8+i).Key())
			}
			got, err := s.keys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(all[3:], got); diff != "" {
				t.Errorf("what stays (-want +got):\n%s", diff)
			}
		})
	}
}

// damages are what may have become of an object.
var damages = []struct {
	name string
	do   func(ctx context.Context, s *Store, key string, object []byte) error
	want string
}{
	{"a flipped byte", func(ctx context.Context, s *Store, key string, object []byte) error {
		object[len(object)-3] ^= 1
		return s.bucket.write(ctx, key, object)
	}, "its checksum or its key does not match"},
	{"a flipped byte in its header", func(ctx context.Context, s *Store, key string, object []byte) error {
		object[0] ^= 1
		return s.bucket.write(ctx, key, object)
	}, "its header is damaged"},
	{"cut short", func(ctx context.Context, s *Store, key string, object []byte) error {
		return s.bucket.write(ctx, key, object[:len(object)-4])
	}, "bytes of"},
	{"empty", func(ctx context.Context, s *Store, key string, _ []byte) error {
		return s.bucket.write(ctx, key, nil)
	}, "its header is damaged"},
	{"renamed", func(ctx context.Context, s *Store, key string, object []byte) error {
		return errors.Join(s.bucket.remove(ctx, key), s.bucket.write(ctx, Info{Index: 999}.Key(), object))
	}, "its checksum or its key does not match"},
}

func damage(t *testing.T, s *Store, key string, do func(context.Context, *Store, string, []byte) error) {
	t.Helper()
	object, err := s.bucket.read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := do(t.Context(), s, key, object); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedSnapshotIsSkippedAndReported(t *testing.T) {
	for _, d := range damages {
		for kind, s := range stores(t) {
			t.Run(d.name+"/"+kind, func(t *testing.T) {
				before, newest := save(t, s, 0, 1), save(t, s, 0, 2)
				damage(t, s, newest.Key(), d.do)
				got, state, skipped, err := s.Latest(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got.Index != before.Index || !bytes.Equal(state, stateOf(before.Index)) {
					t.Errorf("used is %d with %q, want the one before", got.Index, state)
				}
				if len(skipped) != 1 || !strings.Contains(skipped[0].Error(), d.want) {
					t.Errorf("skipped is %v, want one error that contains %q", skipped, d.want)
				}
				damage(t, s, before.Key(), d.do)
				_, state, skipped, err = s.Latest(t.Context())
				if !errors.Is(err, ErrNoSnapshot) || state != nil || len(skipped) == 0 || !strings.Contains(err.Error(), d.want) {
					t.Errorf("none is whole: %v with state %q, want ErrNoSnapshot and what is wrong with each", err, state)
				}
			})
		}
	}
}
