package node_test

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

func TestEveryNodeShowsWhatAClassAcknowledged(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	cl := c.Client("south")
	for _, class := range []client.Class{client.Semisync, client.Async, client.Strong} {
		var want []string
		for i := range 20 {
			m, id := fmt.Sprintf("%s %02d", class, i), client.NewID()
			for attempt := range 2 {
				r := must(t, "add", func(ctx context.Context) (*api.MutationReply, error) { return cl.AddTo(ctx, id, class, "s", m) })
				if attempt == 1 && !r.Duplicate {
					t.Errorf("a retry of %s was taken for news: %v", m, r)
				}
			}
			want = append(want, m)
		}
		for _, n := range c.Names() {
			if diff := cmp.Diff(want, membersThrough(t, c, n, class, "s")); diff != "" {
				t.Errorf("%s through %s (-want +got):\n%s", class, n, diff)
			}
		}
	}
	if p := primary(c, "semisync", ""); p != "east-1" {
		t.Errorf("the first primary is %s, want one of the main region", p)
	}
}

func TestKillingTheSemisyncPrimaryLosesNothing(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	l := drive(c, client.Semisync)
	defer l.end()
	for range 5 {
		l.more(c, 100)
		p := primary(c, "semisync", "")
		c.Kill(p)
		primary(c, "semisync", p)
		l.more(c, 50)
		c.Run(p)
		comesBack(c, p)
	}
	acked := l.end()
	last := c.Client("east") // behind what was given up and may still get in
	must(t, "add", func(ctx context.Context) (any, error) {
		return last.AddTo(ctx, client.NewID(), client.Semisync, "s", "last")
	})
	var first []string
	for _, n := range c.Names() {
		got := membersThrough(t, c, n, client.Semisync, "s")
		if lost := missing(acked, got); len(lost) > 0 {
			t.Errorf("%d of %d acknowledged members are not on %s: %v", len(lost), len(acked), n, lost)
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%s differs (-%s +%s):\n%s", n, c.Names()[0], n, diff)
		}
	}
	d := c.NodeClient(c.Names()[2])
	// Retries are recognised by nodes that were not primary then.
	for _, m := range acked[:5] {
		r := must(t, "retry", func(ctx context.Context) (*api.MutationReply, error) {
			return d.Add(ctx, &api.AddRequest{Id: l.ids[m], Class: client.Semisync, Set: "s", Member: m})
		})
		if !r.Duplicate {
			t.Errorf("a retry of %s after five promotions was taken for news: %v", m, r)
		}
	}
	t.Logf("%d acknowledged, all there", len(acked))
}

func TestAPausedPrimaryAcknowledgesNothingLate(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	p := primary(c, "semisync", "")
	d := c.NodeClient(p)
	before := must(t, "add", func(ctx context.Context) (*api.MutationReply, error) {
		return d.Add(ctx, &api.AddRequest{Id: client.NewID(), Class: client.Semisync, Set: "s", Member: "before"})
	})
	// What is sent to it while it sleeps it finds when it wakes, as somebody
	// who does not know that the world went on.
	c.Signal(p, syscall.SIGSTOP)
	type answer struct {
		member string
		err    error
	}
	answers := make(chan answer, 20)
	for i := range cap(answers) {
		go func() {
			m := fmt.Sprintf("asleep %02d", i)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			r, err := d.Add(ctx, &api.AddRequest{Id: client.NewID(), Class: client.Semisync, Set: "s", Member: m})
			if err == nil && r.Origin.Term == before.Origin.Term {
				t.Errorf("%s was acknowledged late, in epoch %d, by %s", m, r.Origin.Term, r.Origin.Node)
			}
			answers <- answer{m, err}
		}()
	}
	// Its region's node cannot be asked, so a node that survives is.
	survivor := other(c, p)
	c.Await("another primary", func() bool {
		s, err := c.Status(survivor)
		return err == nil && s.Primaries["semisync"] != p && s.Primaries["semisync"] != "" // not: not known yet
	})
	must(t, "add", func(ctx context.Context) (any, error) {
		return c.NodeClient(survivor).Add(ctx, &api.AddRequest{Id: client.NewID(), Class: client.Semisync, Set: "s", Member: "meanwhile"})
	})
	c.Signal(p, syscall.SIGCONT)
	var acked []string
	for range cap(answers) {
		if a := <-answers; a.err == nil {
			acked = append(acked, a.member)
		}
	}
	slices.Sort(acked)
	got := membersThrough(t, c, p, client.Semisync, "s")
	t.Logf("%d of %d acknowledged after waking; there is %v", len(acked), cap(answers), got)
	// What its gateway routed on to the new primary is there like any other.
	if lost := missing(acked, got); len(lost) > 0 {
		t.Errorf("acknowledged late and not there: %v", lost)
	}
	if lost := missing([]string{"before", "meanwhile"}, got); len(lost) > 0 {
		t.Errorf("the woken node misses %v", lost)
	}
}

func TestLosingTheAsyncPrimaryLosesItsUnshippedTailAndSaysSo(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	l := drive(c, client.Async)
	defer l.end()
	l.more(c, 300)
	p := primary(c, "async", "")
	membersThrough(t, c, other(c, p), client.Async, "s") // so something has been shipped
	c.Kill(p)
	next := primary(c, "async", p)
	acked := l.end()
	lost := missing(acked, membersThrough(t, c, next, client.Async, "s"))
	t.Logf("lost %d of %d", len(lost), len(acked))
	if len(lost) == 0 || len(lost) == len(acked) {
		t.Errorf("lost %d of %d acknowledged, want some of them", len(lost), len(acked))
	}
	c.Run(p)
	for _, n := range c.Names() {
		if diff := cmp.Diff(lost, missing(acked, membersThrough(t, c, n, client.Async, "s"))); diff != "" {
			t.Errorf("%s misses something else (-want +got):\n%s", n, diff)
		}
	}
	c.Await("the returned primary says what it cut", func() bool {
		return slices.ContainsFunc(c.Events(p), func(e mcptest.Event) bool {
			return e.Kind == "journal cut" && e.Fields["class"] == "async"
		})
	})
}

func TestPrimariesGoHomeWithoutLoss(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	l := drive(c, client.Semisync)
	defer l.end()
	l.more(c, 50)
	c.Kill("east-1")
	away := primary(c, "semisync", "east-1")
	c.Run("east-1")
	if home := primary(c, "semisync", away); home != "east-1" {
		t.Errorf("the primary went to %s, want east-1", home)
	}
	l.more(c, 50)
	acked := l.end()
	if lost := missing(acked, membersThrough(t, c, "south-1", client.Semisync, "s")); len(lost) > 0 {
		t.Errorf("going home lost %d of %d: %v", len(lost), len(acked), lost)
	}
}

func TestAStoppingPrimaryHandsOver(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	p := primary(c, "semisync", "")
	d := c.NodeClient(other(c, p))
	stopped := make(chan int, 1)
	for i := range 60 {
		if i == 20 {
			go func() { stopped <- c.Terminate(p) }()
		}
		m := fmt.Sprintf("%02d", i)
		if _, err := d.Add(within(t, 5*time.Second), &api.AddRequest{Id: client.NewID(), Class: client.Semisync, Set: "s", Member: m}); err != nil {
			t.Errorf("add %s: %v", m, err)
		}
	}
	if status := <-stopped; status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
}

// The pair is the red control of journals: all nodes crash at once, which loses
// nothing that their disks hold, unless they drop it.
func TestOnlyTheDefectLosesTheJournalsTail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		args  []string
		loses bool
	}{
		{"sound", nil, false},
		{"defect", []string{"--defect", nodespec.LoseJournalTail}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mcptest.Start(t, 1, tt.args...)
			l := drive(c, client.Semisync)
			defer l.end()
			l.more(c, 100)
			for _, n := range c.Names() {
				c.Kill(n)
			}
			acked := l.end()
			for _, n := range c.Names() {
				c.Run(n)
			}
			for _, n := range c.Names() {
				lost := missing(acked, membersThrough(t, c, n, client.Semisync, "s"))
				t.Logf("%s misses %d of %d", n, len(lost), len(acked))
				if (len(lost) > 0) != tt.loses {
					t.Errorf("%s misses %d of %d acknowledged", n, len(lost), len(acked))
				}
			}
		})
	}
}
