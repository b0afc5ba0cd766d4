package node_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// weights asks a node's DNS.
func weights(t *testing.T, c *mcptest.Cluster, server string) map[string]int {
	conn, err := c.DialTLS(within(t, time.Second), "tcp", fmt.Sprintf("%s:%d", server, nodespec.DNSPort))
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	r, _, err := new(dns.Client).ExchangeWithConn(new(dns.Msg).SetQuestion(nodespec.DNSZone, dns.TypeSRV), &dns.Conn{Conn: conn})
	if err != nil {
		return nil
	}
	got := map[string]int{}
	for _, rr := range r.Answer {
		got[strings.TrimSuffix(rr.(*dns.SRV).Target, ".")] = int(rr.(*dns.SRV).Weight)
	}
	return got
}

func TestTrafficLeavesALostRegionAndReturns(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	well := map[string]int{"east-1": 70, "north-1": 20, "south-1": 10}
	if diff := cmp.Diff(well, weights(t, c, "south-1")); diff != "" {
		t.Errorf("weights at first (-want +got):\n%s", diff)
	}
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	c.Kill("east-1")
	for _, server := range []string{"north-1", "south-1"} {
		c.Await(server+" sends nobody to the lost region", func() bool {
			return cmp.Equal(map[string]int{"east-1": 0, "north-1": 67, "south-1": 33}, weights(t, c, server))
		})
	}
	c.Run("east-1")
	for _, server := range c.Names() {
		c.Await(server+" gives back the weights", func() bool { return cmp.Equal(well, weights(t, c, server)) })
	}
	c.Await("leadership returns to the main region", func() bool { return c.Leader() == "east-1" })

	// The survivors' diaries tell the story in order.
	events := append(c.Events("north-1"), c.Events("south-1")...)
	slices.SortStableFunc(events, func(a, b mcptest.Event) int { return a.Wall.Compare(b.Wall) })
	var kinds []string
	for _, e := range events {
		if about := e.Fields["peer"]; about == "east-1" || about == "" {
			kinds = append(kinds, string(e.Kind))
		}
	}
	for _, want := range [][]string{
		{"strike", "strike", "strike", "suspect", "confirmed", "weights", "cleared", "rejoined", "weights", "weights"},
		{"elected", "promoted", "confirmed", "rejoined"},
	} {
		if !inOrder(kinds, want) {
			t.Errorf("events %v do not contain %v in this order", kinds, want)
		}
	}
}

func inOrder(all, want []string) bool {
	for _, k := range all {
		if len(want) > 0 && k == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func TestAGracefulStopIsNotNoticed(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	d := c.NodeClient("south-1") // whose gateway stays
	stopped := make(chan int, 1)
	for i := range 60 {
		if i == 20 {
			go func() { stopped <- c.Terminate("east-1") }()
		}
		if _, err := d.Write(within(t, 5*time.Second), mcptest.Write("x", fmt.Sprint(i))); err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if status := <-stopped; status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
}

// The defect is a red control: what the sound platform never loses is lost.
func TestAckBeforeReplicateLosesWrites(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1, "--defect", nodespec.AckBeforeReplicate)
	leader := c.Leader()
	d := c.NodeClient(leader)
	var acked []string
	var first uint64 // term; a change of leaders would lose writes, too
	for i := range 40 {
		m := fmt.Sprintf("%02d", i)
		r := must(t, "add", func(ctx context.Context) (*api.MutationReply, error) {
			return d.Add(ctx, &api.AddRequest{Id: client.NewID(), Set: "s", Member: m})
		})
		if acked = append(acked, m); first == 0 {
			first = r.Origin.Term
		}
	}
	own := must(t, "members", func(ctx context.Context) (*api.MembersReply, error) { return d.Members(ctx, members("s")) })
	if diff := cmp.Diff(acked, own.Members); diff != "" && own.Origin.Term == first {
		t.Errorf("the leader does not show what it acknowledged (-want +got):\n%s", diff)
	}
	c.Kill(leader)
	nd := c.NodeClient(c.LeaderOtherThan(leader))
	left := must(t, "members", func(ctx context.Context) (*api.MembersReply, error) { return nd.Members(ctx, members("s")) })
	t.Logf("%d of %d acknowledged members are left", len(left.Members), len(acked))
	if len(left.Members) >= len(acked) {
		t.Error("the defect lost nothing")
	}
}

func TestAPausedNodeHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	c.Signal("south-1", syscall.SIGSTOP)
	d := c.NodeClient("north-1")
	for i := range 50 { // each a single attempt: a stalled leader would fail them
		if _, err := d.Write(within(t, 5*time.Second), mcptest.Write("x", fmt.Sprint(i))); err != nil {
			t.Errorf("write %d with a paused node: %v", i, err)
		}
		if _, err := d.Read(within(t, 5*time.Second), read("x")); err != nil {
			t.Errorf("read %d with a paused node: %v", i, err)
		}
	}
	c.Signal("south-1", syscall.SIGCONT)
	sd := c.NodeClient("south-1")
	got := must(t, "read", func(ctx context.Context) (*api.ReadReply, error) { return sd.Read(ctx, read("x")) })
	if got.Value != "49" {
		t.Errorf("the woken node reads %q, want 49", got.Value)
	}
}
