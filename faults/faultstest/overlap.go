package faultstest

import (
	"context"
	"slices"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// overlaps injects two faults into the same victims and heals them in either
// order: the one that is left must still be active, and in the end none is.
func overlaps(t *testing.T, c *cluster.Cluster) {
	of := func(name string) example {
		i := slices.IndexFunc(examples(), func(e example) bool { return e.name == name })
		return examples()[i]
	}
	for _, pair := range [][2]string{
		{"kill", "kill"},
		{"kill", "pause"},
		{"pause", "kill"},
		{"pause", "restart"},
		{"pause", "isolate"}, // links change while the node that reads from them stands still
		{"pause", "latency"},
		{"isolate", "partition refuse"},
		{"partition blackhole, one way", "partition hold"},
		{"latency", "latency to clients, one way"},
		{"latency", "bandwidth"},
		{"latency", "isolate"},
		{"isolate", "kill"},
		{"loss", "slice"},
		{"stall", "reset after, of clients alone, one way"},
		{"flap", "slow close"},
		{"thundering herd", "pause"},
		{"throttle", "throttle"},
		{"kill", "corrupt torn"},
		{"signal", "pause"},
		{"slow disk", "disk errors"},
		{"disk full", "power loss"},
		{"crash loop", "signal"},
		{"replace", "replace"},
		{"replace", "kill"},
		{"wipe", "kill"},
	} {
		first, second := of(pair[0]), of(pair[1])
		t.Run(pair[0]+", "+pair[1]+", first healed first", func(t *testing.T) { overlap(t, c, first, second, true) })
		t.Run(pair[0]+", "+pair[1]+", last healed first", func(t *testing.T) { overlap(t, c, first, second, false) })
	}
}

func overlap(t *testing.T, c *cluster.Cluster, first, second example, firstHealsFirst bool) {
	type prepared struct {
		example
		faults.Injection
	}
	skipUnsupported(t, c, first)
	skipUnsupported(t, c, second)
	var both []prepared
	// Both are prepared first: some write through their victims beforehand, which a dead one does not take.
	for _, e := range []example{first, second} {
		both = append(both, prepared{e, e.fault.Prepare(e.victims(t, c))})
	}
	for i, p := range both {
		if err := p.Inject(t.Context()); err != nil {
			for _, injected := range both[:i] {
				_ = injected.Heal(t.Context())
			}
			t.Fatalf("inject %s: %v", p.name, err)
		}
	}
	if !firstHealsFirst {
		slices.Reverse(both)
	}
	healed, remaining := both[0], both[1]
	if err := healed.Heal(t.Context()); err != nil {
		t.Errorf("heal %s: %v", healed.name, err)
	}
	if _, err := eventually(t.Context(), proofTimeout, remaining.Active); err != nil {
		t.Errorf("%s is not active after %s was healed: %v", remaining.name, healed.name, err)
	}
	if err := remaining.Heal(t.Context()); err != nil {
		t.Errorf("heal %s: %v", remaining.name, err)
	}
	for _, p := range both {
		awaitCleared(t, p)
	}
}

// partialInjection injects into a node that exists and one that does not.
func partialInjection(t *testing.T, c *cluster.Cluster) {
	for _, e := range []example{
		{name: "kill", fault: &faults.Kill{}, on: east},
		{name: "pause", fault: &faults.Pause{}, on: east},
		{name: "replace", fault: &faults.Replace{}, on: east},
		{name: "wipe", fault: &faults.Wipe{}, on: east},
	} {
		v := e.victims(t, c)
		existing := e.fault.Prepare(v)
		v.Nodes = append(slices.Clone(v.Nodes), topology.Node{ID: "nobody"})
		if err := e.fault.Prepare(v).Inject(t.Context()); err == nil {
			t.Errorf("%s nobody: no error", e.name)
		}
		awaitCleared(t, existing)
	}
}

func cancelledContext(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range examples() {
		if e.unsupported(c) != nil {
			continue
		}
		injection := e.fault.Prepare(e.victims(t, c))
		if err := injection.Inject(ctx); err == nil { // it was quicker than the cancellation
			if err := injection.Heal(t.Context()); err != nil {
				t.Errorf("heal %s: %v", e.name, err)
			}
		}
		awaitCleared(t, injection)
	}
}

// crashDuringFault lets a node crash of something else during a fault: the heal
// must not hide that by starting it.
func crashDuringFault(t *testing.T, c *cluster.Cluster) {
	for _, e := range []example{
		{name: "pause", fault: &faults.Pause{}, on: east},
		{name: "isolate", fault: &faults.Isolate{}, on: east},
	} {
		v := e.victims(t, c)
		p := c.Process(v.Nodes[0].ID)
		injection := e.fault.Prepare(v)
		if err := injection.Inject(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(t.Context(), cluster.Kill); err != nil {
			t.Errorf("crash: %v", err)
		}
		if _, err := cluster.Await(t.Context(), p, cluster.Exited); err != nil {
			t.Errorf("crash: %v", err)
		}
		if err := injection.Heal(t.Context()); err != nil {
			t.Errorf("heal %s: %v", e.name, err)
		}
		if s, err := p.Status(t.Context()); err != nil || s.State != cluster.Exited {
			t.Errorf("after the heal of %s the crashed node is %s, %v", e.name, s.State, err)
		}
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		awaitServing(t, c)
	}
}
