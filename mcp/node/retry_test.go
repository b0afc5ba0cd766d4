package node_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// A compare-and-set shows a second application: it would not swap again.
func TestARetryIsAppliedOnceEvenByTheNextLeader(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	old := c.Leader()
	id := client.NewID()
	try := func(through string) *api.MutationReply {
		d := c.NodeClient(through)
		return must(t, "cas through "+through, func(ctx context.Context) (*api.MutationReply, error) {
			return d.CompareAndSet(ctx, cas(id, "x", "", "1"))
		})
	}
	first := try(old)
	again := try(other(c, old))
	c.Kill(old)
	next := c.LeaderOtherThan(old)
	after := try(next)
	for _, r := range []*api.MutationReply{again, after} {
		if !r.Swapped || !r.Duplicate || r.Origin.Revision != first.Origin.Revision {
			t.Errorf("retry answered %v, want a duplicate of %v", r, first)
		}
	}
	if first.Duplicate {
		t.Errorf("first attempt answered %v, a duplicate", first)
	}
	d := c.NodeClient(next)
	r := must(t, "cas", func(ctx context.Context) (*api.MutationReply, error) {
		return d.CompareAndSet(ctx, cas(client.NewID(), "x", "", "2"))
	})
	if r.Swapped {
		t.Error("a compare-and-set with an id of its own swapped as if x had never been written")
	}
}

func other(c *mcptest.Cluster, than ...string) string {
	for _, n := range c.Names() {
		found := false
		for _, o := range than {
			found = found || n == o
		}
		if !found {
			return n
		}
	}
	return ""
}

func TestAMinorityRefusesWritesAndAnswersOnlyStaleReads(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	lone := other(c, c.Leader())
	d := c.NodeClient(lone)
	must(t, "write", func(ctx context.Context) (any, error) { return d.Write(ctx, mcptest.Write("x", "1")) })
	must(t, "read", func(ctx context.Context) (any, error) { return d.Read(ctx, read("x")) }) // it has applied x
	for _, n := range c.Names() {
		if n != lone {
			c.Kill(n)
		}
	}
	c.Await(lone+" knows no leader", func() bool {
		s, err := c.Status(lone)
		return err == nil && s.Leader == ""
	})
	asked := time.Now()
	_, err := d.Write(within(t, 10*time.Second), mcptest.Write("x", "2"))
	t.Logf("refused after %v: %v", time.Since(asked), err)
	if !api.Refused(err) || status.Code(err) != codes.Unavailable {
		t.Errorf("write in a minority: %v; want Unavailable with a Refusal", err)
	}
	if r, err := d.Read(within(t, 10*time.Second), read("x")); err == nil {
		t.Errorf("linearizable read in a minority answered %v", r)
	}
	r, err := d.Read(within(t, 10*time.Second), stale("x"))
	if err != nil {
		t.Fatalf("stale read in a minority: %v", err)
	}
	if r.Value != "1" || !r.Origin.Stale || r.Origin.Node != lone {
		t.Errorf("stale read %v; want 1, marked stale, from %s", r, lone)
	}

	// The client says the same, in its own words, and recovers by itself.
	cl := c.Client("north")
	_, err = cl.Write(within(t, 10*time.Second), client.NewID(), "x", "3")
	var e *client.Error
	if !errors.As(err, &e) || !client.NoEffect(err) {
		t.Errorf("client's write in a minority: %v; want one without effect", err)
	}
	for _, n := range c.Names() {
		if n != lone {
			c.Run(n)
		}
	}
	got := must(t, "read", func(ctx context.Context) (*api.ReadReply, error) { return cl.Read(ctx, "x", client.Linearizable) })
	if got.Value != "1" || got.Origin.Stale {
		t.Errorf("after the majority is back read %v, want a fresh 1", got)
	}
}

func TestANodeComesBackFromItsDiskOrWithoutIt(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	cl := c.Client("east")
	victim := other(c, c.Leader())
	var want []string
	add := func(n int) {
		for range n {
			m, id := fmt.Sprintf("%03d", len(want)), client.NewID()
			must(t, "add", func(ctx context.Context) (any, error) { return cl.Add(ctx, id, "s", m) })
			want = append(want, m)
		}
	}
	check := func(when string) {
		t.Helper()
		d := c.NodeClient(victim)
		got := must(t, "members", func(ctx context.Context) (*api.MembersReply, error) { return d.Members(ctx, members("s")) })
		if diff := cmp.Diff(want, got.Members); diff != "" || got.Origin.Node != victim {
			t.Errorf("%s, through %s by %s (-want +got):\n%s", when, victim, got.Origin.Node, diff)
		}
	}
	add(20)
	for range 2 {
		c.Kill(victim)
		add(20)
		c.Run(victim)
		check("after kill and restart")
	}
	c.Kill(victim)
	c.Wipe(victim)
	add(20)
	c.Run(victim)
	check("after losing its disk")

	for _, n := range c.Names() { // all at once: the disks must hold everything
		c.Kill(n)
	}
	for _, n := range c.Names() {
		c.Run(n)
	}
	check("after losing power")
}

// The result of a transfer is returned again to its retry, at the next leader as well.
func TestARetriedTransferMovesMoneyOnce(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	old := c.Leader()
	through := c.NodeClient(other(c, old))
	open := &api.OpenAccounts{Bank: "b", Accounts: []string{"x", "y"}, Balance: 10}
	must(t, "open", func(ctx context.Context) (any, error) {
		return through.Open(ctx, &api.OpenRequest{Id: client.NewID(), Open: open})
	})
	move := func(id string, amount int64) *api.TransferReply {
		return must(t, "transfer", func(ctx context.Context) (*api.TransferReply, error) {
			return through.Transfer(ctx, &api.TransferRequest{Id: id, Transfer: &api.Transfer{Bank: "b", From: "x", To: "y", Amount: amount}})
		})
	}
	done, declined := client.NewID(), client.NewID()
	first := []*api.TransferReply{move(done, 4), move(declined, 7)}
	if !first[0].Done || first[1].Done || first[1].Reason == "" {
		t.Errorf("of 10, 4 then 7 were moved: %v", first)
	}
	c.Kill(old)
	c.LeaderOtherThan(old)
	again := []*api.TransferReply{move(done, 4), move(declined, 7)}
	for i, r := range again {
		if !r.Duplicate || r.Done != first[i].Done || r.Reason != first[i].Reason {
			t.Errorf("the retry answered %v, want what %v said", r, first[i])
		}
	}
	r := must(t, "balances", func(ctx context.Context) (*api.BalancesReply, error) {
		return through.Balances(ctx, &api.BalancesRequest{Bank: "b"})
	})
	if diff := cmp.Diff(map[string]int64{"x": 6, "y": 14}, r.Balances); diff != "" {
		t.Errorf("balances (-want +got):\n%s", diff)
	}
	_, err := through.Transfer(within(t, 10*time.Second), &api.TransferRequest{Id: client.NewID(), Transfer: &api.Transfer{Bank: "b", From: "x", To: "y"}})
	if status.Code(err) != codes.InvalidArgument || !api.Refused(err) {
		t.Errorf("a transfer of nothing: %v; want InvalidArgument with a Refusal", err)
	}
}
