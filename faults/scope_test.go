package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// declared is regions of one letter with n nodes each, which do not run.
func declared(n int, regions ...topology.Region) *cluster.Cluster {
	var t topology.Topology
	for _, r := range regions {
		t.RegionSpecs = append(t.RegionSpecs, topology.RegionSpec{Region: r, Weight: 1})
		for k := 1; k <= n; k++ {
			t.Nodes = append(t.Nodes, topology.Node{ID: topology.NodeID(fmt.Sprintf("%s%d", r, k)), Region: r, Voter: true})
		}
	}
	return &cluster.Cluster{Topology: t}
}

func victims(c *cluster.Cluster, on, to topology.Selector) faults.Victims {
	return faults.Victims{Cluster: c, ID: "1-test", Nodes: c.Topology.Select(on), To: c.Topology.Select(to)}
}

func TestFlows(t *testing.T) {
	a, b := topology.Selector{Region: "a"}, topology.Selector{Region: "b"}
	all, none := topology.Selector{All: true}, topology.Selector{}
	two, three, wide := declared(1, "a", "b"), declared(1, "a", "b", "c"), declared(2, "a", "b")
	for _, c := range []struct {
		name   string
		fault  faults.LinkFault
		in     *cluster.Cluster
		on, to topology.Selector
		want   string // links in the topology's order; ⇢ upstream, ⇠ downstream, ↔ both
	}{
		{"one region from another", &faults.Partition{}, three, a, b, "b1↔a1 a1↔b1"},
		{"one region from the rest", &faults.Partition{}, three, a, none, "b1↔a1 c1↔a1 a1↔b1 a1↔c1"},
		{"what a sends to b", &faults.Partition{Direction: faults.To}, three, a, b, "b1⇠a1 a1⇢b1"},
		{"what a receives from b", &faults.Partition{Direction: faults.From}, three, a, b, "b1⇢a1 a1⇠b1"},
		{"a may not open to b", &faults.Partition{Direction: faults.To, Mode: links.Refuse}, three, a, b, "a1↔b1"},
		{"b may not open to a", &faults.Partition{Direction: faults.From, Mode: links.Reset}, three, a, b, "b1↔a1"},
		{"nothing inside a region is cut", &faults.Partition{}, wide, a, none, "b1↔a1 b2↔a1 b1↔a2 b2↔a2 a1↔b1 a2↔b1 a1↔b2 a2↔b2"},
		{"one node from its own region too", &faults.Isolate{}, wide, topology.Selector{Node: "a1"}, none, "a2↔a1 b1↔a1 b2↔a1 a1↔a2 a1↔b1 a1↔b2"},
		{"every region from every other", &faults.Partition{}, three, all, none, "b1↔a1 c1↔a1 a1↔b1 c1↔b1 a1↔c1 b1↔c1"},
		{"isolated with its clients", &faults.Isolate{Clients: true}, two, a, none, "b1↔a1 clients.b↔a1 a1↔b1 clients.a↔b1"},
		{"all isolated with their clients", &faults.Isolate{Clients: true}, two, all, none, "b1↔a1 clients.b↔a1 a1↔b1 clients.a↔b1"},
		{
			"the clients of a region that keeps a node stay with it",
			&faults.Isolate{Clients: true}, wide,
			topology.Selector{Node: "a1"},
			none,
			"a2↔a1 b1↔a1 b2↔a1 clients.a↔a1 clients.b↔a1 a1↔a2 a1↔b1 a1↔b2",
		},
		{
			"the clients of a third region are on neither side",
			&faults.Partition{Clients: true}, three, a, b, "b1↔a1 clients.b↔a1 a1↔b1 clients.a↔b1",
		},
		{
			"what a and its clients send", &faults.Latency{Delay: 1, Direction: faults.To, Clients: true}, two, a, none,
			"b1⇠a1 clients.b⇠a1 a1⇢b1 clients.a⇢b1",
		},
		{"bandwidth likewise", &faults.Bandwidth{Rate: 1000, Direction: faults.From}, two, a, none, "b1⇢a1 a1⇠b1"},
		{"the clients of a lose every node", &faults.Partition{ClientsOnly: true}, two, a, none, "clients.a↔a1 clients.a↔b1"},
		{"the clients of a lose their own node", &faults.Partition{ClientsOnly: true}, two, a, a, "clients.a↔a1"},
		{"all clients lose a", &faults.Partition{ClientsOnly: true}, two, all, a, "clients.a↔a1 clients.b↔a1"},
		{"one node stands for the clients of its region", &faults.Partition{ClientsOnly: true}, wide, topology.Selector{Node: "a1"}, b, "clients.a↔b1 clients.a↔b2"},
		{"what the clients of a send is slow", &faults.Latency{Delay: 1, ClientsOnly: true, Direction: faults.To}, two, a, none, "clients.a⇢a1 clients.a⇢b1"},
		{"what the clients of a receive is slow", &faults.Loss{Percent: 1, ClientsOnly: true, Direction: faults.From}, two, a, b, "clients.a⇠b1"},
		{"a herd of clients", &faults.ThunderingHerd{}, two, b, none, "clients.b↔a1 clients.b↔b1"},
		{"no node chosen", &faults.Isolate{Clients: true}, three, none, none, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range c.fault.Flows(victims(c.in, c.on, c.to)) {
				arrow := map[topology.Direction]string{topology.Upstream: "⇢", topology.Downstream: "⇠", topology.BothWays: "↔"}[s.Direction]
				got = append(got, strings.Replace(s.Link.String(), "→", arrow, 1))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestImpactAndDescription(t *testing.T) {
	c := declared(2, "a", "b", "c")
	a, all, none := topology.Selector{Region: "a"}, topology.Selector{All: true}, topology.Selector{}
	a1 := topology.Selector{Node: "a1"}
	for _, x := range []struct {
		fault    faults.Fault
		on, to   topology.Selector
		describe string
		majority bool
		eligible []topology.Region
	}{
		{&faults.Kill{}, a, none, "kill all of a", true, []topology.Region{"a", "b", "c"}},
		{&faults.Kill{}, all, none, "kill all nodes", false, nil},
		{&faults.Pause{}, a1, none, "pause a1", true, []topology.Region{"a", "b", "c"}},
		{&faults.Signal{Signal: "SIGQUIT"}, a1, none, "send SIGQUIT to a1", true, []topology.Region{"a", "b", "c"}},
		{&faults.CrashLoop{}, a, none, "crash all of a again and again, each time after 1s", true, []topology.Region{"a", "b", "c"}},
		{&faults.Memory{Headroom: 8_000_000}, a1, none, "leave a1 8MB more memory than in use", true, []topology.Region{"a", "b", "c"}},
		{&faults.SlowDisk{Delay: 5e6}, a1, none, "slow the disk of a1 by 5ms", true, []topology.Region{"a", "b", "c"}},
		{&faults.DiskFull{}, a, none, "fill the disk of all of a", true, []topology.Region{"a", "b", "c"}},
		{&faults.DiskErrors{Percent: 20}, a1, none, "fail 20 % of what a1 does on disk", true, []topology.Region{"a", "b", "c"}},
		{&faults.PowerLoss{}, all, none, "cut the power of all nodes", false, nil},
		{&faults.Restart{}, a1, none, "restart a1", true, []topology.Region{"a", "b", "c"}},
		{&faults.Isolate{}, a, none, "isolate all of a without its clients (hold)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Isolate{Clients: true}, a, none, "isolate all of a with its clients (hold)", true, []topology.Region{"b", "c"}},
		{&faults.Isolate{Clients: true, Mode: links.Reset}, all, none, "isolate every region with its clients (reset)", false, nil},
		{&faults.Partition{Direction: faults.To}, a1, a, "partition a1 and all of a (hold, outgoing only)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Latency{Delay: 5e6, Jitter: 1e6}, a1, none, "slow the links of a1 and the others by 5ms ± 1ms (both ways)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Partition{ClientsOnly: true, Mode: links.Refuse}, a, none, "partition the clients of a and all nodes (refuse, both ways)", true, []topology.Region{"b", "c"}},
		{&faults.Partition{ClientsOnly: true}, all, a, "partition the clients of a, b, c and all of a (hold, both ways)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Loss{Percent: 5}, a1, none, "lose 5 % of the packets between a1 and the others (both ways)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Slice{Size: 64}, a1, none, "slice what passes between a1 and the others into 64B every 10ms (both ways)", true, []topology.Region{"a", "b", "c"}},
		{&faults.SlowClose{Delay: 1e9}, a1, none, "delay the end of connections between a1 and the others by 1s (both ways)", true, []topology.Region{"a", "b", "c"}},
		{&faults.Flap{}, all, none, "flap the links of every region and the others (1s down, 1s up, hold)", false, nil},
		{&faults.Stall{After: 1000, ClientsOnly: true}, a, none, "stall every connection between the clients of a and all nodes after 1KB (both ways)", true, []topology.Region{"b", "c"}},
		{&faults.ResetAfter{After: 1000, Direction: faults.To}, a1, none, "reset every connection between a1 and the others after 1KB (outgoing only)", true, []topology.Region{"a", "b", "c"}},
		{&faults.ThunderingHerd{}, a, none, "reset all connections between the clients of a and all nodes", true, []topology.Region{"b", "c"}},
		{&faults.Bandwidth{Rate: 64_000, Clients: true}, all, none, "narrow the links of every region and the others, clients too to 64KB/s (both ways)", true, []topology.Region{"a", "b", "c"}},
	} {
		v := victims(c, x.on, x.to)
		if diff := cmp.Diff(x.describe, x.fault.Describe(v)); diff != "" {
			t.Errorf("describe (-want +got):\n%s", diff)
		}
		d := x.fault.Impact(v)
		var eligible []topology.Region
		for _, r := range c.Topology.Regions() {
			if c.Topology.HasQuorum(r, d) {
				eligible = append(eligible, r)
			}
		}
		if got := len(c.Topology.QuorumMembers(d)) > 0; got != x.majority {
			t.Errorf("%s: a majority survives: %v, want %v", x.describe, got, x.majority)
		}
		if diff := cmp.Diff(x.eligible, eligible); diff != "" {
			t.Errorf("%s: eligible (-want +got):\n%s", x.describe, diff)
		}
	}
}
