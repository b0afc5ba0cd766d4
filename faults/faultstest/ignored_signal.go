package faultstest

import (
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
)

// ignoredSignal sends a signal that a testnode takes no notice of: that is an error
// which says so, and the node runs afterwards and did not crash by itself.
func ignoredSignal(t *testing.T, c *cluster.Cluster) {
	awaitServing(t, c)
	e := example{name: "signal", fault: &faults.Signal{Signal: "SIGUSR1"}, on: east}
	injection := e.fault.Prepare(e.victims(t, c))
	if err := injection.Inject(t.Context()); err == nil || !strings.Contains(err.Error(), "handles or ignores it") {
		t.Errorf("got %v, want that the program handles or ignores it", err)
	}
	if observed, err := injection.Active(t.Context()); err == nil {
		t.Errorf("active: %s", observed)
	}
	awaitCleared(t, injection)
	if crashed := c.Crashed(t.Context()); len(crashed) > 0 {
		t.Errorf("crashed by themselves: %v", crashed)
	}
}
