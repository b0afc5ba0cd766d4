package primarybackup

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// fixture is a copy of a journal and the events that it emitted.
type fixture struct {
	*Journal
	dir    string
	events []string
}

func openFixture(t *testing.T, dir string, class api.Class) *fixture {
	t.Helper()
	f := &fixture{dir: dir}
	j, err := open(dir, class, "here", func(k events.Kind, _ string, fields map[string]string) {
		f.events = append(f.events, strings.TrimSpace(fmt.Sprintf("%s %s", k, fields["records"])))
	}, Defects{})
	if err != nil {
		t.Fatal(err)
	}
	f.Journal = j
	t.Cleanup(func() { j.file.Close() })
	return f
}

func entry(t *testing.T, epoch, index uint64, member string) Record {
	t.Helper()
	payload, err := proto.Marshal(&api.Entry{Id: "id of " + member, Set: "s", Member: member})
	if err != nil {
		t.Fatal(err)
	}
	return Record{epoch, index, payload}
}

// receiveFrom reconciles the copy with a primary and receives its records.
func (f *fixture) receiveFrom(t *testing.T, epoch uint64, theirs epochStarts, last uint64, rs ...Record) uint64 {
	t.Helper()
	at, err := f.reconcile(epoch, theirs, last)
	if err == nil && len(rs) > 0 {
		_, err = f.receive(epoch, rs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAReplicaDropsWhatTheNewPrimaryDoesNotHave(t *testing.T) {
	f := openFixture(t, t.TempDir(), api.Class_SEMISYNC)
	f.receiveFrom(t, 1, epochStarts{{1, 1}}, 1, Record{1, 1, nil}, entry(t, 1, 2, "kept"), entry(t, 1, 3, "dropped"), entry(t, 1, 4, "dropped, too"))
	if at := f.receiveFrom(t, 2, epochStarts{{1, 1}, {2, 3}}, 3, Record{2, 3, nil}, entry(t, 2, 4, "new")); at != 2 {
		t.Errorf("the copies are the same up to %d, want 2", at)
	}
	if diff := cmp.Diff([]string{"kept", "new"}, f.members("s", 99)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"kept"}, f.members("s", 3)); diff != "" {
		t.Errorf("members as of record 3 (-want +got):\n%s", diff)
	}
	if _, known := f.sets.ids["id of dropped"]; known {
		t.Error("the id of a dropped record is still remembered: a new request with it would be taken for a retry")
	}
	if diff := cmp.Diff([]string{"journal cut 2"}, f.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestADelayedFirstMessageOfTheSameEpochRemovesNothing(t *testing.T) {
	f := openFixture(t, t.TempDir(), api.Class_SEMISYNC)
	f.receiveFrom(t, 1, epochStarts{{1, 1}}, 1, Record{1, 1, nil}, entry(t, 1, 2, "a"), entry(t, 1, 3, "b"))
	if at := f.receiveFrom(t, 1, epochStarts{{1, 1}}, 1); at != 3 { // the first message of an older connection
		t.Errorf("the copies are the same up to %d, want 3", at)
	}
	if diff := cmp.Diff([]string{"a", "b"}, f.members("s", 99)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestAFencedReplicaRefusesOlderPrimariesAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	f := openFixture(t, dir, api.Class_SEMISYNC)
	f.receiveFrom(t, 1, epochStarts{{1, 1}}, 1, Record{1, 1, nil})
	if err := f.fence(3); err != nil {
		t.Fatal(err)
	}
	restarted := openFixture(t, dir, api.Class_SEMISYNC)
	for _, j := range []*fixture{f, restarted} {
		if _, err := j.receive(1, []Record{entry(t, 1, 2, "late")}); !errors.Is(err, errStaleEpoch) {
			t.Errorf("a record of epoch 1 after a fence at 3: %v", err)
		}
		if _, err := j.reconcile(2, epochStarts{{1, 1}}, 1); !errors.Is(err, errStaleEpoch) {
			t.Errorf("a primary of epoch 2 after a fence at 3: %v", err)
		}
	}
}

func TestDivergencePoint(t *testing.T) {
	for _, tt := range []struct {
		name         string
		a, b         epochStarts
		lastA, lastB uint64
		want         uint64
	}{
		{"both empty", nil, nil, 0, 0, 0},
		{"one empty", epochStarts{{1, 1}}, nil, 5, 0, 0},
		{"the same", epochStarts{{1, 1}}, epochStarts{{1, 1}}, 5, 5, 5},
		{"one behind in the same epoch", epochStarts{{1, 1}}, epochStarts{{1, 1}}, 5, 3, 3},
		{"one behind by an epoch", epochStarts{{1, 1}, {2, 4}}, epochStarts{{1, 1}}, 6, 3, 3},
		{"the old primary has a tail of its own", epochStarts{{1, 1}, {2, 4}}, epochStarts{{1, 1}}, 6, 9, 3},
		{"two primaries after the same one", epochStarts{{1, 1}, {3, 4}}, epochStarts{{1, 1}, {2, 6}}, 9, 7, 3},
		{"nothing in common", epochStarts{{2, 1}}, epochStarts{{1, 1}}, 3, 3, 0},
	} {
		if got := divergencePoint(tt.a, tt.lastA, tt.b, tt.lastB); got != tt.want {
			t.Errorf("%s: the same up to %d, want %d", tt.name, got, tt.want)
		}
		if got := divergencePoint(tt.b, tt.lastB, tt.a, tt.lastA); got != tt.want {
			t.Errorf("%s, with the arguments exchanged: the same up to %d, want %d", tt.name, got, tt.want)
		}
	}
}
