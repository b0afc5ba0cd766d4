package node_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// A weight goes at once, with the verdict, and comes back a quarter at a time.
func TestWeightsGoAtOnceAndComeBackInSteps(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	c.Kill("north-1")
	c.Await("north carries nothing", func() bool { s, err := c.Status("east-1"); return err == nil && s.Weights["north"] == 0 })
	c.Run("north-1")
	c.Await("north carries its share again", func() bool { s, err := c.Status("east-1"); return err == nil && s.Weights["north"] == 20 })
	var lost, left time.Time
	var steps []mcptest.Event
	var events []mcptest.Event // by whoever led
	for _, n := range c.Names() {
		events = append(events, c.Events(n)...)
	}
	slices.SortStableFunc(events, func(a, b mcptest.Event) int { return a.Wall.Compare(b.Wall) })
	for _, e := range events {
		switch {
		case e.Kind == "confirmed" && e.Fields["peer"] == "north-1":
			lost = e.Wall
		case e.Kind == "weights" && e.Fields["north"] == "0":
			left = e.Wall
		case e.Kind == "weights" && !left.IsZero():
			steps = append(steps, e)
		}
	}
	if d := left.Sub(lost); lost.IsZero() || d < 0 || d > time.Second {
		t.Errorf("north carried traffic for %v after the verdict (at %v)", d, lost)
	}
	var north []string
	for i, e := range steps {
		north = append(north, e.Fields["north"])
		// The figure is the default profile's; a timer may be a little early by the wall clock.
		if i > 0 && e.Wall.Sub(steps[i-1].Wall) < node.Profiles()["adaptive"].Arbiter.Step-50*time.Millisecond {
			t.Errorf("step %d came %v after the one before it", i, e.Wall.Sub(steps[i-1].Wall))
		}
	}
	// Of 70, 20 and 10, with one, two, three and four quarters of north's 20.
	if diff := cmp.Diff([]string{"6", "11", "16", "20"}, north); diff != "" {
		t.Errorf("north's share in steps (-want +got):\n%s", diff)
	}
}

func TestAClientHoldsAnAnswerForItsTTLAndNoLonger(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	var asked atomic.Int64
	cl := c.ClientWithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, fmt.Sprint(":", nodespec.DNSPort)) {
			asked.Add(1)
		}
		return c.Dial(ctx, network, addr)
	}, "south")
	const valid = 2 * time.Second // the setting gslb/ttl, where nobody has put another
	read := func() { _, _ = cl.Read(within(t, 5*time.Second), "x", client.Stale) }
	began := time.Now()
	must(t, "a first read", func(ctx context.Context) (any, error) { return cl.Read(ctx, "x", client.Stale) })
	first := asked.Load()
	if first == 0 {
		t.Fatal("a client found a gateway without DNS: this test sees nothing")
	}
	for time.Since(began) < valid*3/4 { // the answer came after it began, so it is valid for longer still
		read()
		time.Sleep(20 * time.Millisecond)
	}
	if n := asked.Load(); n != first {
		t.Errorf("asked %d times more while the answer was valid", n-first)
	}
	c.Await("it asks again once the answer has expired", func() bool { read(); return asked.Load() > first })
	if after := time.Since(began); after > 5*valid {
		t.Errorf("asked again after %v, the answer was valid for %v", after, valid)
	}
}

// Real nodes share their probes, and who dies together with its prober is found out.
func TestANodeAndItsProberDieTogether(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 3)
	all := arbiter.Cluster{Regions: map[string]string{}, Weights: map[string]int{"east": 70, "north": 20, "south": 10}, Control: c.Names()}
	for _, n := range c.Names() {
		all.Regions[n], _, _ = strings.Cut(n, "-")
	}
	c.Await("leadership in the main region", func() bool { return strings.HasPrefix(c.Leader(), "east-") })
	const target = "south-1"
	prober := all.ProberOf(state.HealthView{}, "north", target)
	dead := []string{prober, target}
	began := time.Now()
	for _, n := range dead {
		c.Kill(n)
	}
	lost := func() []string { s, _ := c.Status(c.Leader()); return s.Lost }
	c.Await("both are lost", func() bool { return cmp.Equal(dead, lost()) })
	t.Logf("%v lost after %v", dead, time.Since(began))

	// A whole region more; five of nine are left.
	dead = append(dead, "south-2", "south-3")
	slices.Sort(dead)
	c.Kill("south-2")
	c.Kill("south-3")
	c.Await("a whole region is lost", func() bool { return cmp.Equal(dead, lost()) })
	for _, n := range c.Names() {
		if slices.Contains(dead, n) {
			continue
		}
		for _, e := range c.Events(n) {
			// The first death was seen only by those who were assigned to probe it.
			if e.Kind == "suspect" && e.Fields["peer"] == target && all.ProberOf(state.HealthView{}, all.Regions[n], target) != n && !slices.ContainsFunc(dead, func(d string) bool { return all.Regions[d] == all.Regions[n] }) {
				t.Errorf("%s suspected %s, which it was not assigned to probe", n, target)
			}
		}
	}
}
