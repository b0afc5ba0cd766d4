package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// bench is a copy of a journal and what it told.
type bench struct {
	*Journal
	dir  string
	told []string
}

func copyIn(t *testing.T, dir string, class api.Class) *bench {
	t.Helper()
	b := &bench{dir: dir}
	j, err := open(dir, class, "here", func(k events.Kind, _ string, fields map[string]string) {
		b.told = append(b.told, strings.TrimSpace(fmt.Sprintf("%s %s", k, fields["records"])))
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	b.Journal = j
	t.Cleanup(func() { j.file.Close() })
	return b
}

func entry(t *testing.T, epoch, index uint64, member string) Record {
	t.Helper()
	payload, err := proto.Marshal(&api.Entry{Id: "id of " + member, Set: "s", Member: member})
	if err != nil {
		t.Fatal(err)
	}
	return Record{epoch, index, payload}
}

// take follows a primary that has chapters, and receives records.
func (b *bench) take(t *testing.T, epoch uint64, theirs chapters, last uint64, rs ...Record) uint64 {
	t.Helper()
	at, err := b.follow(epoch, theirs, last)
	if err == nil && len(rs) > 0 {
		_, err = b.receive(epoch, rs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAReplicaDropsWhatTheNewPrimaryDoesNotHave(t *testing.T) {
	b := copyIn(t, t.TempDir(), api.Class_SEMISYNC)
	b.take(t, 1, chapters{{1, 1}}, 1, Record{1, 1, nil}, entry(t, 1, 2, "kept"), entry(t, 1, 3, "dropped"), entry(t, 1, 4, "dropped, too"))
	if at := b.take(t, 2, chapters{{1, 1}, {2, 3}}, 3, Record{2, 3, nil}, entry(t, 2, 4, "new")); at != 2 {
		t.Errorf("the two agree up to %d, want 2", at)
	}
	if diff := cmp.Diff([]string{"kept", "new"}, b.members("s", 99)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"kept"}, b.members("s", 3)); diff != "" {
		t.Errorf("members as of record 3 (-want +got):\n%s", diff)
	}
	if _, known := b.content.ids["id of dropped"]; known {
		t.Error("the id of a dropped record would be taken for a retry's")
	}
	if diff := cmp.Diff([]string{"journal cut 2"}, b.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWordsOfAnEpochThatWereDelayedCutNothing(t *testing.T) {
	b := copyIn(t, t.TempDir(), api.Class_SEMISYNC)
	b.take(t, 1, chapters{{1, 1}}, 1, Record{1, 1, nil}, entry(t, 1, 2, "a"), entry(t, 1, 3, "b"))
	if at := b.take(t, 1, chapters{{1, 1}}, 1); at != 3 { // the first message of an older connection
		t.Errorf("agrees up to %d, want 3", at)
	}
	if diff := cmp.Diff([]string{"a", "b"}, b.members("s", 99)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestAFencedReplicaRefusesOlderPrimariesForGood(t *testing.T) {
	dir := t.TempDir()
	b := copyIn(t, dir, api.Class_SEMISYNC)
	b.take(t, 1, chapters{{1, 1}}, 1, Record{1, 1, nil})
	if err := b.fence(3); err != nil {
		t.Fatal(err)
	}
	again := copyIn(t, dir, api.Class_SEMISYNC) // as after a restart
	for _, j := range []*bench{b, again} {
		if _, err := j.receive(1, []Record{entry(t, 1, 2, "late")}); !errors.Is(err, errOld) {
			t.Errorf("a record of epoch 1 after a fence at 3: %v", err)
		}
		if _, err := j.follow(2, chapters{{1, 1}}, 1); !errors.Is(err, errOld) {
			t.Errorf("a primary of epoch 2 after a fence at 3: %v", err)
		}
	}
}

// primaryOf is a copy whose node is the primary in epoch 1, with a replica in
// the same region and one in another, both at the given index.
func primaryOf(t *testing.T, class api.Class) (b *bench, o *office, near, far *ship) {
	t.Helper()
	b = copyIn(t, t.TempDir(), class)
	o, err := b.enter(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	near, far = &ship{}, &ship{far: true}
	o.ships["near"], o.ships["far"] = near, far
	return b, o, near, far
}

// pending says whether something has not come back for a while, and stays so.
func pending[T any](c <-chan T) bool {
	select {
	case <-c:
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

func (b *bench) sync(t *testing.T) {
	t.Helper()
	if err := b.syncNow(b.file.Synced()); err != nil {
		t.Fatal(err)
	}
}

func TestSemisyncWaitsForItsDiskAndForAnotherRegion(t *testing.T) {
	b, o, near, far := primaryOf(t, api.Class_SEMISYNC)
	done := make(chan error, 1)
	go func() {
		_, err := b.add(t.Context(), &api.Entry{Id: "1", Set: "s", Member: "m"})
		done <- err
	}()
	for b.file.Last().Index < 2 {
		time.Sleep(time.Millisecond)
	}
	b.received(o, far, &api.Receipt{Index: 2})
	if !pending(done) {
		t.Error("acknowledged before it was on the primary's disk")
	}
	far.index = 0
	b.sync(t)
	b.received(o, near, &api.Receipt{Index: 2})
	if !pending(done) {
		t.Error("acknowledged when only the primary's own region had it")
	}
	b.received(o, far, &api.Receipt{Index: 2})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSemisyncReadsAreConfirmedByAnotherRegion(t *testing.T) {
	b, o, near, far := primaryOf(t, api.Class_SEMISYNC)
	b.sync(t)
	b.received(o, far, &api.Receipt{Index: 1})
	done := make(chan Position, 1)
	go func() {
		p, err := b.confirm(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- p
	}()
	b.received(o, near, &api.Receipt{Index: 1, Mark: 1})
	if !pending(done) {
		t.Error("confirmed by the primary's own region")
	}
	b.received(o, far, &api.Receipt{Index: 1, Mark: 1})
	if p := <-done; p != (Position{1, 1}) {
		t.Errorf("confirmed %v, want record 1 of epoch 1", p)
	}
}

func TestAPrimaryThatIsFencedAcknowledgesNothingMore(t *testing.T) {
	b, o, _, far := primaryOf(t, api.Class_SEMISYNC)
	done := make(chan error, 1)
	go func() {
		_, err := b.add(context.Background(), &api.Entry{Id: "1", Set: "s", Member: "m"})
		done <- err
	}()
	for b.file.Last().Index < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := b.fence(2); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || api.Refused(err) {
		t.Errorf("what was under way: %v; want an error that proves nothing", err)
	}
	b.sync(t)
	b.received(o, far, &api.Receipt{Index: 2}) // one that was under way
	if o.commit != 0 {
		t.Errorf("committed up to %d after its time", o.commit)
	}
	if _, err := b.add(t.Context(), &api.Entry{Id: "2", Set: "s", Member: "n"}); !api.Refused(err) {
		t.Errorf("what came later: %v; want a refusal", err)
	}
}

func TestAsyncShipsOnlyWhatItsDiskHasHadForALull(t *testing.T) {
	b, o, _, _ := primaryOf(t, api.Class_ASYNC)
	if _, err := b.add(t.Context(), &api.Entry{Id: "1", Set: "s", Member: "m"}); err != nil {
		t.Fatal(err) // at once: nobody is waited for
	}
	for i, want := range []uint64{0, 0, 2} {
		if o.ready != want {
			t.Errorf("after %d syncs up to %d may be shipped, want %d", i, o.ready, want)
		}
		b.sync(t)
	}
}
