package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// The sound twin is TestAMinorityRefusesWritesAndAnswersOnlyStaleReads.
func TestSkipArbitrationAcknowledgesAloneAndForgets(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1, "--defect", nodespec.SkipArbitration)
	lone := other(c, c.Leader())
	d := c.NodeClient(lone)
	must(t, "write", func(ctx context.Context) (any, error) { return d.Write(ctx, mcptest.Write("x", "1")) })
	for _, n := range c.Names() {
		if n != lone {
			c.Kill(n)
		}
	}
	c.Await(lone+" acknowledges by itself", func() bool {
		r, err := d.Write(within(t, time.Second), mcptest.Write("x", "alone"))
		return err == nil && r.Origin.Node == lone
	})
	own := must(t, "read", func(ctx context.Context) (*api.ReadReply, error) { return d.Read(ctx, read("x")) })
	if own.Value != "alone" || own.Origin.Stale {
		t.Errorf("it reads %q (stale %v), want what it acknowledged", own.Value, own.Origin.Stale)
	}
	for _, n := range c.Names() {
		if n != lone {
			c.Run(n)
		}
	}
	c.Await("what it acknowledged alone is gone", func() bool {
		r, err := d.Read(within(t, time.Second), read("x"))
		return err == nil && r.Value == "1"
	})
}

func TestNeverSwitchLeavesTrafficWhereItIs(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1, "--defect", nodespec.NeverSwitch)
	c.Kill("east-1")
	c.Await("the loss is agreed on", func() bool {
		s, err := c.Status("north-1")
		return err == nil && cmp.Equal(s.Lost, []string{"east-1"})
	})
	if diff := cmp.Diff(map[string]int{"east-1": 70, "north-1": 20, "south-1": 10}, weights(t, c, "north-1")); diff != "" {
		t.Errorf("weights after the loss (-want +got):\n%s", diff)
	}
	for _, e := range append(c.Events("north-1"), c.Events("south-1")...) {
		if e.Kind == "weights" {
			t.Errorf("an event reports traffic that was not moved: %s", e.Description)
		}
	}
}
