package node_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// apart is two nodes a region: NAME-1 votes, NAME-2 has all other roles.
func apart(t *testing.T) *mcptest.Cluster {
	var peers []string
	for _, region := range []string{"east", "north", "south"} {
		peers = append(peers, region+"-1/"+region+"/control", region+"-2/"+region+"/gateway+bus+identity+config")
	}
	return mcptest.Start(t, 2, "--peers", strings.Join(peers, ","))
}

// look asks a node's DNS for a service and returns NODE PORT PRIORITY, sorted; nil
// when the name does not exist.
func look(t *testing.T, c *mcptest.Cluster, server, name string) []string {
	conn, err := c.DialTLS(within(t, time.Second), "tcp", fmt.Sprintf("%s:%d", server, nodespec.DNSPort))
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	r, _, err := new(dns.Client).ExchangeWithConn(new(dns.Msg).SetQuestion(name, dns.TypeSRV), &dns.Conn{Conn: conn})
	if err != nil || r.Rcode != dns.RcodeSuccess {
		return nil
	}
	got := []string{}
	for _, rr := range r.Answer {
		srv := rr.(*dns.SRV)
		got = append(got, fmt.Sprintf("%s %d %d", srv.Target, srv.Port, srv.Priority))
	}
	slices.Sort(got)
	return got
}

func TestTheRegistryKnowsWhoServesWhat(t *testing.T) {
	t.Parallel()
	c := apart(t)
	c.Await("leadership in the main region", func() bool { return c.Leader() == "east-1" })
	control := func(asked string) []string { s, _ := c.Status(asked); return s.Services["control"] }
	well := []string{"east-1 leader", "north-1 follower", "south-1 follower"}
	for _, n := range c.Names() {
		c.Await(n+" knows all control nodes", func() bool { return cmp.Equal(well, control(n)) })
	}
	near := func(port int) []string {
		return []string{fmt.Sprintf("east-2. %d 20", port), fmt.Sprintf("north-2. %d 10", port), fmt.Sprintf("south-2. %d 20", port)}
	}
	for service, port := range map[string]int{"bus.mcp.": nodespec.BusPort, "identity.mcp.": nodespec.APIPort, "config.mcp.": nodespec.APIPort} {
		c.Await(service+" leads to the asked region first", func() bool { return cmp.Equal(near(port), look(t, c, "north-2", service)) })
	}
	for _, name := range []string{"nobody.mcp.", "xbus.mcp.", "bus.bus.mcp.", "mcp.org."} {
		if got := look(t, c, "north-2", name); got != nil {
			t.Errorf("%s is answered: %v", name, got)
		}
	}
	if diff := cmp.Diff([]string{"east-2. 7400 10", "north-2. 7400 10", "south-2. 7400 10"}, look(t, c, "north-2", nodespec.DNSZone)); diff != "" {
		t.Errorf("gateways (-want +got):\n%s", diff)
	}

	c.Kill("east-1")
	c.Kill("east-2")
	c.Await("the lost are down and another leads", func() bool {
		now := control("south-2")
		leads := slices.ContainsFunc(now, func(s string) bool { return strings.HasSuffix(s, "leader") })
		return leads && slices.Contains(now, "east-1 follower down")
	})
	c.Await("DNS leaves the lost out", func() bool {
		return cmp.Equal([]string{"north-2. 7420 10", "south-2. 7420 20"}, look(t, c, "north-2", "bus.mcp."))
	})
	c.Run("east-1")
	c.Run("east-2")
	c.Await("they are back", func() bool {
		return cmp.Equal(near(nodespec.BusPort), look(t, c, "north-2", "bus.mcp.")) && slices.Contains(control("north-2"), "east-1 leader")
	})
	reported := 0
	for _, e := range c.Events("north-1") {
		if e.Kind == "registered" {
			reported++
		}
	}
	if reported == 0 {
		t.Error("no event reports a registration")
	}
}

func TestUsersEnterByGatewaysAlone(t *testing.T) {
	t.Parallel()
	c := apart(t)
	must(t, "write", func(ctx context.Context) (any, error) {
		return c.NodeClient("north-2").Write(ctx, mcptest.Write("x", "1"))
	})
	d := c.NodeClient("north-1")
	_, err := d.Write(within(t, 5*time.Second), mcptest.Write("x", "2"))
	if !api.Refused(err) || status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "east-2, north-2, south-2") {
		t.Errorf("a write through a control node: %v; want a refusal that names the gateways", err)
	}
	for _, n := range c.Names() {
		got := must(t, "read through "+n, func(ctx context.Context) (*api.ReadReply, error) { return c.NodeClient(n).Read(ctx, read("x")) })
		if got.Value != "1" || got.Origin.Node != n {
			t.Errorf("read through %s: %q from %s, want 1 from itself", n, got.Value, got.Origin.Node)
		}
	}
}
