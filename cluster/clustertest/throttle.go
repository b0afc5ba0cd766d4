package clustertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Throttle holds a runtime to what cluster.Throttler promises; one without it
// is skipped. It is part of Conformance.
func Throttle(t *testing.T, k cluster.Driver, left Leftovers) { fixture{k, left}.throttle(t) }

const (
	share = 0.1 // of a CPU
	// window is how long a use of CPU is measured. A limit is kept over periods
	// of 100 ms, so one period more than it has may fall into a window.
	window   = time.Second
	maxShare = share*1.1 + 0.05
)

func (b fixture) throttle(t *testing.T) {
	top := Topology(1)
	top.Nodes = top.Nodes[:2]
	c := b.start(t, b.spec(t, top))
	const node = "east-1"
	victim, err := cluster.ThrottlerOf(c.Process(node))
	if no, ok := errors.AsType[cluster.Unsupported](err); ok {
		t.Skip(no)
	}
	other, err := cluster.ThrottlerOf(c.Process("north-1"))
	if err != nil {
		t.Fatal(err)
	}
	mustAsk(t, c, "south", node, "spin 1m", "ok")
	unlimited(t, victim)

	tight, err := c.Throttle(t.Context(), node, share)
	if err != nil {
		t.Fatal(err)
	}
	loose, err := c.Throttle(t.Context(), node, 2*share) // adds nothing
	if err != nil {
		t.Fatal(err)
	}
	limited(t, victim)
	if u := use(t, other); u.Limit != 0 {
		t.Errorf("another node's limit is %v", u.Limit)
	}
	pauseThrottled(t, c, node)

	// The limit is for the node and not for one life of it.
	down(t, c, node)
	if _, err := victim.CPU(t.Context()); err == nil {
		t.Error("use of CPU by a dead node: no error")
	}
	restart(t, c, node)
	mustAsk(t, c, "south", node, "who", node+" 2")
	mustAsk(t, c, "south", node, "spin 1m", "ok")
	limited(t, victim)

	for _, release := range []func(context.Context) error{tight, loose, loose} {
		if err := release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	unlimited(t, victim)
}

// limited wants a node that would take a whole CPU to get its share.
func limited(t *testing.T, p cluster.Throttler) {
	t.Helper()
	before, begin := use(t, p), time.Now()
	time.Sleep(window)
	after, wall := use(t, p), time.Since(begin)
	if got := (after.Used - before.Used).Seconds() / wall.Seconds(); got > maxShare || got < share/4 {
		t.Errorf("used %.3f CPUs by %s, want about %v", got, after.How, share)
	}
	if after.Stopped <= before.Stopped || after.Limit != share || after.How == "" {
		t.Errorf("over %v: first %+v, then %+v; want it to be stopped again and again", wall, before, after)
	}
}

// unlimited waits until a node gets more than the limit would let it have: the
// machine may be busy with other things.
func unlimited(t *testing.T, p cluster.Throttler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	for {
		before, begin := use(t, p), time.Now()
		time.Sleep(window / 4)
		after, wall := use(t, p), time.Since(begin)
		if after.Limit != 0 || after.Stopped != before.Stopped {
			t.Fatalf("without a limit: first %+v, then %+v", before, after)
		}
		got := (after.Used - before.Used).Seconds() / wall.Seconds()
		if got > maxShare {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("without a limit it uses %.3f CPUs", got)
		}
	}
}

func use(t *testing.T, p cluster.Throttler) cluster.CPU {
	t.Helper()
	u, err := p.CPU(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// pauseThrottled pauses a throttled node: being throttled is not being paused, whatever
// it is done by, and a paused node is not woken by whatever throttles it.
func pauseThrottled(t *testing.T, c *cluster.Cluster, node topology.NodeID) {
	t.Helper()
	for range 20 {
		if s, err := c.Process(node).Status(t.Context()); err != nil || s.State != cluster.Running {
			t.Fatalf("a throttled node is %s, %v", s.State, err)
		}
		time.Sleep(7 * time.Millisecond)
	}
	signal(t, c, node, cluster.Pause)
	become(t, c, node, cluster.Paused)
	p, _ := cluster.ThrottlerOf(c.Process(node))
	before := use(t, p)
	time.Sleep(window / 4)
	if after := use(t, p); after.Used-before.Used > 20*time.Millisecond {
		t.Errorf("paused and throttled, it used %v", after.Used-before.Used)
	}
	signal(t, c, node, cluster.Resume)
	become(t, c, node, cluster.Running)
}
