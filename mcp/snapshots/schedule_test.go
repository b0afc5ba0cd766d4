package snapshots

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A snapshot is stored when there is something new and this node leads, and at no other time.
func TestScheduleStoresWhatIsNewWhileItLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := Open(t.Context(), "file://"+t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var logged bytes.Buffer
		began := time.Now()
		var mu sync.Mutex // of what follows
		var leads bool
		var index uint64
		var broken error
		s := &Schedule{
			Store: store, Interval: 5 * time.Second, Log: slog.New(slog.NewTextHandler(&logged, nil)),
			Leads: func() bool {
				mu.Lock()
				defer mu.Unlock()
				return leads
			},
			Take: func() (Info, []byte, error) {
				mu.Lock()
				defer mu.Unlock()
				return Info{Index: index, Taken: time.Now()}, stateOf(index), broken
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.Run(ctx); close(ended) }()
		time.Sleep(time.Second) // from now on the steps are between two ticks

		for _, step := range []struct {
			name   string
			leads  bool
			index  uint64
			broken error
			want   map[uint64]time.Duration // what the store holds: index, and when it was taken
			logged bool
		}{
			{"does not lead", false, 3, nil, map[uint64]time.Duration{}, false},
			{"leads", true, 3, nil, map[uint64]time.Duration{3: 10 * time.Second}, false},
			{"nothing new", true, 3, nil, map[uint64]time.Duration{3: 10 * time.Second}, false},
			{"the state cannot be taken", true, 4, errors.New("no state"), map[uint64]time.Duration{3: 10 * time.Second}, true},
			{"the next try", true, 4, nil, map[uint64]time.Duration{3: 10 * time.Second, 4: 25 * time.Second}, false},
			{"leads no more", false, 7, nil, map[uint64]time.Duration{3: 10 * time.Second, 4: 25 * time.Second}, false},
		} {
			logged.Reset()
			mu.Lock()
			leads, index, broken = step.leads, step.index, step.broken
			mu.Unlock()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			got := map[uint64]time.Duration{}
			keys, err := store.keys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				i, _, err := store.read(ctx, key)
				if err != nil {
					t.Fatal(err)
				}
				got[i.Index] = i.Taken.Sub(began)
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s: in the store (-want +got):\n%s", step.name, diff)
			}
			if found := strings.Contains(logged.String(), "snapshot was not stored"); found != step.logged {
				t.Errorf("%s: logged %q", step.name, logged.String())
			}
		}
		if s.LastIndex() != 4 {
			t.Errorf("the last index is %d, want 4", s.LastIndex())
		}
		cancel()
		<-ended
	})
}
