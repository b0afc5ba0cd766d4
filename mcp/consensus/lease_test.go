package consensus

import (
	"context"
	"testing"
	"time"

	walfs "github.com/hashicorp/raft-wal/fs"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// A lone voter that a standby may replace acknowledges only while its lease is valid, from
// its start on, and this includes commands that were under way before.
func TestAVoterWithoutALeaseAcknowledgesNothing(t *testing.T) {
	g := newGroup(t, 1)
	disk := &platter{VFS: walfs.New(), dir: t.TempDir()}
	n := g.openWith("n1", func(c *Config) { c.NeedsLease, c.vfs = true, disk })
	defer closed(t, n)
	leaderOf(t, n)
	refused := func(when string) {
		t.Helper()
		if _, err := n.Propose(t.Context(), write(0)); !api.Refused(err) {
			t.Errorf("%s a write is answered with %v, want a refusal", when, err)
		}
		if _, _, err := n.ReadIndex(t.Context()); !api.Refused(err) {
			t.Errorf("%s a read is answered with %v, want a refusal", when, err)
		}
	}
	refused("at its start")
	n.ExtendLease(time.Now().Add(time.Minute))
	propose(t, n, 1, 2)
	n.ExtendLease(time.Now())
	refused("when its time is over")

	n.ExtendLease(time.Now().Add(200 * time.Millisecond))
	disk.mu.Lock() // the disk hangs for longer than that
	type answer struct{ err error }
	late := func(ctx context.Context) chan answer {
		done := make(chan answer, 1)
		go func() {
			_, err := n.Propose(ctx, write(2))
			done <- answer{err}
		}()
		return done
	}
	short, cancel := context.WithCancel(t.Context())
	given, kept := late(short), late(t.Context())
	time.Sleep(300 * time.Millisecond)
	disk.mu.Unlock()
	await(t, "the writes to be committed", func() bool { v, _ := n.State().Read("x"); return v == "2" })
	time.Sleep(50 * time.Millisecond)
	select {
	case a := <-kept:
		t.Fatalf("what was committed after its time was answered with %v", a.err)
	default:
	}
	cancel()
	if a := <-given; a.err == nil || api.Refused(a.err) {
		t.Errorf("it was answered with %v, want an unknown outcome", a.err)
	}
	n.ExtendLease(time.Now().Add(time.Minute))
	if a := <-kept; a.err != nil {
		t.Errorf("with a new proof it was answered with %v", a.err)
	}
}
