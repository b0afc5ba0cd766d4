package links_test

import (
	"syscall"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Health tells a healthy linkd, dead proxies and a dead supervisor apart, and
// a replacement is on the list.
func TestHealthOfALinkd(t *testing.T) {
	w := open(t)
	health := func(id topology.NodeID) links.Health {
		t.Helper()
		h, ok := w.Health(t.Context(), id)
		if !ok {
			t.Fatalf("linkd of %s is taken to be changing", id)
		}
		return h
	}
	for _, id := range []topology.NodeID{"east-1", "north-1"} {
		if h := health(id); h != (links.Health{}) {
			t.Errorf("a healthy linkd of %s: %+v", id, h)
		}
	}
	if h := health("west-1"); h.Supervisor == nil {
		t.Error("a node that does not exist has a healthy linkd")
	}
	proxy := find(t, "proxy", w.servers["east-1"].Admin)
	if err := syscall.Kill(proxy, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for health("east-1").Dead == nil { // until it is reaped
	}
	if got := w.Replacements(); len(got) > 0 {
		t.Errorf("replaced, though nothing was asked of it: %v", got)
	}
	w.replaced(t)
	if got := w.Replacements(); len(got) != 1 || got[0].Node != "east-1" || got[0].Why == nil || got[0].At.IsZero() {
		t.Errorf("replacements: %+v, want one of east-1", got)
	}
	if h := health("east-1"); h != (links.Health{}) {
		t.Errorf("a linkd that was replaced: %+v", h)
	}
	if err := syscall.Kill(find(t, "-control", w.servers["north-1"].Control), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for health("north-1").Supervisor == nil {
	}
}
