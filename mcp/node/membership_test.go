package node_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// voters are the members as a node lists them, those without a vote with a "?".
func voters(t *testing.T, via *client.NodeClient) []string {
	m, err := via.Admin().Members(within(t, 5*time.Second), &api.MembershipRequest{})
	if err != nil || m.Stale {
		return nil
	}
	var out []string
	for _, m := range m.Members {
		if !m.Voter {
			m.Name += "?"
		}
		out = append(out, m.Name)
	}
	return out
}

func remove(via *client.NodeClient, name string) func(context.Context) (*api.Membership, error) {
	return func(ctx context.Context) (*api.Membership, error) {
		return via.Admin().Remove(ctx, &api.RemoveMember{Name: name})
	}
}

func addNode(via *client.NodeClient, r *api.AddMember) func(context.Context) (*api.Membership, error) {
	return func(ctx context.Context) (*api.Membership, error) { return via.Admin().Add(ctx, r) }
}

// refuses wants a refusal that says so.
func refuses(t *testing.T, code codes.Code, says string, do func(context.Context) (*api.Membership, error)) {
	t.Helper()
	_, err := do(within(t, 10*time.Second))
	if !api.Refused(err) || status.Code(err) != code || !strings.Contains(err.Error(), says) {
		t.Errorf("%v; want a refusal %s that says %q", err, code, says)
	}
}

func TestADeadNodeIsReplaced(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	via := c.NodeClient("south-1")
	must(t, "write", func(ctx context.Context) (any, error) { return via.Write(ctx, mcptest.Write("x", "before")) })
	if diff := cmp.Diff([]string{"east-1", "north-1", "south-1"}, voters(t, via)); diff != "" {
		t.Errorf("members at first (-want +got):\n%s", diff)
	}
	c.Kill("north-1")
	c.Wipe("north-1")
	for range 2 { // a second time it is so already
		must(t, "remove north-1", remove(via, "north-1"))
	}
	if diff := cmp.Diff([]string{"east-1", "south-1"}, voters(t, via)); diff != "" {
		t.Errorf("members without the dead (-want +got):\n%s", diff)
	}
	refuses(t, codes.FailedPrecondition, "1 voter would be left", remove(via, "east-1"))
	must(t, "write", func(ctx context.Context) (any, error) { return via.Write(ctx, mcptest.Write("x", "between")) })

	c.Run("north-1") // with an empty disk
	for range 2 {
		must(t, "add north-1", addNode(via, &api.AddMember{Name: "north-1"}))
	}
	c.Await("it has caught up and votes", func() bool {
		return cmp.Equal([]string{"east-1", "north-1", "south-1"}, voters(t, via))
	})
	c.Await("it is no longer lost", func() bool { s, err := c.Status("south-1"); return err == nil && len(s.Lost) == 0 })
	c.Kill("east-1") // without the vote of the replaced there is no majority now
	nd := c.NodeClient("north-1")
	must(t, "write with the vote of the replaced", func(ctx context.Context) (any, error) { return nd.Write(ctx, mcptest.Write("y", "after")) })
	got := must(t, "read through the replaced", func(ctx context.Context) (*api.ReadReply, error) { return nd.Read(ctx, read("x")) })
	if got.Value != "between" {
		t.Errorf("the replaced node reads %q, want between", got.Value)
	}
}

func TestANewNodeIsAddedAndTheLeaderRemoved(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	via := c.NodeClient("north-1")
	must(t, "write", func(ctx context.Context) (any, error) { return via.Write(ctx, mcptest.Write("x", "1")) })
	refuses(t, codes.InvalidArgument, "the platform does not know this node", addNode(via, &api.AddMember{Name: "south-2"}))
	refuses(t, codes.InvalidArgument, `no region "west"`, addNode(via, &api.AddMember{Name: "south-2", Region: "west", Roles: []string{"control"}}))
	refuses(t, codes.NotFound, "members are east-1, north-1, south-1", remove(via, "south-9"))

	c.Join("south-2", "south")
	south2 := &api.AddMember{Name: "south-2", Region: "south", Roles: []string{"control", "gateway", "bus", "identity", "config"}}
	must(t, "add south-2", addNode(via, south2))
	c.Await("it votes", func() bool { return slices.Contains(voters(t, via), "south-2") })
	c.Await("users are sent to it, and it is registered", func() bool {
		s, err := c.Status("north-1")
		_, sent := weights(t, c, "north-1")["south-2"]
		return err == nil && sent && slices.Contains(s.Services["control"], "south-2 follower")
	})
	refuses(t, codes.InvalidArgument, "use another name", addNode(via, &api.AddMember{Name: "south-2", Region: "north"}))

	must(t, "remove the leader", remove(via, "east-1"))
	if diff := cmp.Diff([]string{"north-1", "south-1", "south-2"}, voters(t, via)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	must(t, "write without it", func(ctx context.Context) (any, error) { return via.Write(ctx, mcptest.Write("x", "2")) })
	if _, sent := weights(t, c, "north-1")["east-1"]; sent {
		t.Error("users are sent to a node that is no member")
	}
	got := must(t, "read through the new node", func(ctx context.Context) (*api.ReadReply, error) {
		return c.NodeClient("south-2").Read(ctx, read("x"))
	})
	if got.Value != "2" {
		t.Errorf("the new node reads %q, want 2", got.Value)
	}
}

func TestNoMajorityIsRemoved(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 3)
	c.Await("leadership in the main region", func() bool { return strings.HasPrefix(c.Leader(), "east-") })
	via := c.NodeClient("north-1")
	for _, n := range []string{"south-1", "south-2", "south-3", "north-3"} {
		c.Kill(n)
	}
	refuses(t, codes.FailedPrecondition, "only 4 of the 8 voters left answer, which is not a majority: bring north-3, south-1, south-2, south-3 back first", remove(via, "east-3"))
	must(t, "remove one that is dead", remove(via, "south-1"))
	must(t, "write", func(ctx context.Context) (any, error) { return via.Write(ctx, mcptest.Write("x", "1")) })
}
