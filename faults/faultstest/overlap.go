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
// order: what is left must still be felt, and in the end nothing.
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
		{"throttle", "throttle"},
		{"kill", "corrupt torn"},
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
	type under struct {
		example
		v    faults.Victims
		heal func(context.Context) error
	}
	possible(t, c, first)
	possible(t, c, second)
	// Both are chosen first: some write through their victims beforehand, which a dead one does not take.
	both := []under{{example: first, v: first.victims(t, c)}, {example: second, v: second.victims(t, c)}}
	for i := range both {
		undo, err := both[i].fault.Inject(t.Context(), both[i].v)
		if err != nil {
			for _, u := range both[:i] {
				_ = u.heal(t.Context())
			}
			t.Fatalf("inject %s: %v", both[i].name, err)
		}
		both[i].heal = undo
	}
	if !firstHealsFirst {
		slices.Reverse(both)
	}
	heals, stays := both[0], both[1]
	if err := heals.heal(t.Context()); err != nil {
		t.Errorf("heal %s: %v", heals.name, err)
	}
	if _, err := eventually(t.Context(), soon, stays.v, stays.fault.Active); err != nil {
		t.Errorf("%s is not felt after %s was healed: %v", stays.name, heals.name, err)
	}
	if err := stays.heal(t.Context()); err != nil {
		t.Errorf("heal %s: %v", stays.name, err)
	}
	for _, u := range both {
		healthy(t, u.fault, u.v)
	}
}

// half injects into one node that exists and one that does not.
func half(t *testing.T, c *cluster.Cluster) {
	for _, e := range []example{
		{name: "kill", fault: &faults.Kill{}, on: east},
		{name: "pause", fault: &faults.Pause{}, on: east},
		{name: "replace", fault: &faults.Replace{}, on: east},
		{name: "wipe", fault: &faults.Wipe{}, on: east},
	} {
		v := e.victims(t, c)
		whole := v
		v.Nodes = append(slices.Clone(v.Nodes), topology.Node{ID: "nobody"})
		if _, err := e.fault.Inject(t.Context(), v); err == nil {
			t.Errorf("%s nobody: no error", e.name)
		}
		healthy(t, e.fault, whole)
	}
}

func dead(t *testing.T, c *cluster.Cluster) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range examples() {
		if e.requires(c) != nil {
			continue
		}
		v := e.victims(t, c)
		undo, err := e.fault.Inject(ctx, v)
		if err == nil { // it was quicker than the context
			err = undo(t.Context())
			if err != nil {
				t.Errorf("heal %s: %v", e.name, err)
			}
		}
		healthy(t, e.fault, v)
	}
}

// crashed lets a node die of something else during a fault: the heal must not
// hide that by starting it.
func crashed(t *testing.T, c *cluster.Cluster) {
	for _, e := range []example{
		{name: "pause", fault: &faults.Pause{}, on: east},
		{name: "isolate", fault: &faults.Isolate{}, on: east},
	} {
		v := e.victims(t, c)
		p := c.Process(v.Nodes[0].ID)
		undo, err := e.fault.Inject(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(t.Context(), cluster.Kill); err != nil {
			t.Errorf("crash: %v", err)
		}
		if _, err := cluster.Await(t.Context(), p, cluster.Exited); err != nil {
			t.Errorf("crash: %v", err)
		}
		if err := undo(t.Context()); err != nil {
			t.Errorf("heal %s: %v", e.name, err)
		}
		if s, err := p.Status(t.Context()); err != nil || s.State != cluster.Exited {
			t.Errorf("after the heal of %s the crashed node is %s, %v", e.name, s.State, err)
		}
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		serving(t, c)
	}
}
