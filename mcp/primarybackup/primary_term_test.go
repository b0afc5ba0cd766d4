package primarybackup

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// newPrimary returns a copy whose node is the primary in epoch 1, with one replica in
// the same region and one in another.
func newPrimary(t *testing.T, class api.Class) (f *fixture, term *primaryTerm, sameRegion, otherRegion *replicaProgress) {
	t.Helper()
	f = openFixture(t, t.TempDir(), class)
	term, err := f.beginTerm(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	sameRegion, otherRegion = &replicaProgress{}, &replicaProgress{otherRegion: true}
	term.replicas["same-region"], term.replicas["other-region"] = sameRegion, otherRegion
	return f, term, sameRegion, otherRegion
}

// pending reports whether nothing is received from c for 50 ms.
func pending[T any](c <-chan T) bool {
	select {
	case <-c:
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

func (f *fixture) syncFile(t *testing.T) {
	t.Helper()
	if err := f.sync(f.file.Synced()); err != nil {
		t.Fatal(err)
	}
}

func TestSemisyncWaitsForItsDiskAndForAnotherRegion(t *testing.T) {
	f, term, sameRegion, otherRegion := newPrimary(t, api.Class_SEMISYNC)
	done := make(chan error, 1)
	go func() {
		_, err := f.append(t.Context(), &api.Entry{Id: "1", Set: "s", Member: "m"})
		done <- err
	}()
	for f.file.Last().Index < 2 {
		time.Sleep(time.Millisecond)
	}
	f.onReceipt(term, otherRegion, &api.Receipt{Index: 2})
	if !pending(done) {
		t.Error("acknowledged before the record was on the primary's disk")
	}
	otherRegion.received = 0
	f.syncFile(t)
	f.onReceipt(term, sameRegion, &api.Receipt{Index: 2})
	if !pending(done) {
		t.Error("acknowledged when only the primary's own region had the record")
	}
	f.onReceipt(term, otherRegion, &api.Receipt{Index: 2})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSemisyncReadsAreConfirmedByAnotherRegion(t *testing.T) {
	f, term, sameRegion, otherRegion := newPrimary(t, api.Class_SEMISYNC)
	f.syncFile(t)
	f.onReceipt(term, otherRegion, &api.Receipt{Index: 1})
	done := make(chan Position, 1)
	go func() {
		p, err := f.confirm(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- p
	}()
	f.onReceipt(term, sameRegion, &api.Receipt{Index: 1, Mark: 1})
	if !pending(done) {
		t.Error("confirmed by a replica of the primary's own region")
	}
	f.onReceipt(term, otherRegion, &api.Receipt{Index: 1, Mark: 1})
	if p := <-done; p != (Position{1, 1}) {
		t.Errorf("confirmed %v, want record 1 of epoch 1", p)
	}
}

func TestAPrimaryThatIsFencedAcknowledgesNothingMore(t *testing.T) {
	f, term, _, otherRegion := newPrimary(t, api.Class_SEMISYNC)
	done := make(chan error, 1)
	go func() {
		_, err := f.append(context.Background(), &api.Entry{Id: "1", Set: "s", Member: "m"})
		done <- err
	}()
	for f.file.Last().Index < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := f.fence(2); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || api.Refused(err) {
		t.Errorf("the append that was under way: %v; want an error that leaves its outcome unknown", err)
	}
	f.syncFile(t)
	f.onReceipt(term, otherRegion, &api.Receipt{Index: 2}) // a receipt that was under way
	if term.commit != 0 {
		t.Errorf("committed up to %d after the term had ended", term.commit)
	}
	if _, err := f.append(t.Context(), &api.Entry{Id: "2", Set: "s", Member: "n"}); !api.Refused(err) {
		t.Errorf("an append after the term: %v; want a refusal", err)
	}
}

func TestAsyncShipsOnlyWhatHasBeenOnItsDiskForASyncInterval(t *testing.T) {
	f, term, _, _ := newPrimary(t, api.Class_ASYNC)
	if _, err := f.append(t.Context(), &api.Entry{Id: "1", Set: "s", Member: "m"}); err != nil {
		t.Fatal(err) // returns at once: async waits for no replica
	}
	for i, want := range []uint64{0, 0, 2} {
		if term.shippable != want {
			t.Errorf("after %d syncs up to %d may be shipped, want %d", i, term.shippable, want)
		}
		f.syncFile(t)
	}
}

// The primary is asked to quiesce again when its successor is slow to take over. The end
// of the first call must not end the second: the outcome of what is appended between
// would be unknown.
func TestTheTimeoutOfOneQuiesceDoesNotEndTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, term, sameRegion, _ := newPrimary(t, api.Class_ASYNC)
		sameRegion.received = f.file.Last().Index
		quiescing := func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return term.quiescing
		}
		for range 2 {
			if err := f.quiesce(t.Context(), "same-region"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quiesceTimeout * 2 / 3)
		}
		if !quiescing() { // the timeout of the first call has passed, that of the second has not
			t.Error("the second quiesce ended with the timeout of the first")
		}
		time.Sleep(quiesceTimeout)
		if quiescing() {
			t.Error("appends are refused after the timeout")
		}
	})
}
