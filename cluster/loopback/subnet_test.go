package loopback_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/loopback"
	"github.com/mcp-resilience/holdfast/topology"
)

func three() topology.Topology {
	return topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east"}, {Region: "north"}},
		Nodes: []topology.Node{
			{ID: "east-1", Region: "east", Ports: []topology.Port{{Name: "api", Number: 7400}}},
			{ID: "east-2", Region: "east", Ports: []topology.Port{{Name: "api", Number: 7400}}},
			{ID: "north-1", Region: "north", Ports: []topology.Port{{Name: "api", Number: 7400}}},
		},
	}
}

func TestTwoRunsGetDifferentBlocks(t *testing.T) {
	if err := loopback.Check(); err != nil {
		t.Skip(err)
	}
	seen := map[string]bool{}
	for range 20 {
		b, err := loopback.Allocate(t.Context(), three())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if seen[b.String()] {
			t.Errorf("%s was given twice", b)
		}
		seen[b.String()] = true
	}
}

func TestNoTwoListenersShareAnAddress(t *testing.T) {
	if err := loopback.Check(); err != nil {
		t.Skip(err)
	}
	b, err := loopback.Allocate(t.Context(), three())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	used := map[string]string{}
	use := func(addr, who string) {
		if used[addr] != "" {
			t.Errorf("%s is both %s and %s", addr, used[addr], who)
		}
		used[addr] = who
	}
	for _, n := range three().Nodes {
		s := b.Server(n)
		use(s.Control, "control of "+string(n.ID))
		use(s.Admin, "admin of "+string(n.ID))
		use(b.EchoAddr(n.ID), "echo of "+string(n.ID))
		use(s.Host+":7400", "api of "+string(n.ID))
		for p, host := range s.Peers {
			use(host+":7400", string(p)+" in "+string(n.ID))
			use(host+":7007", string(p)+" echo in "+string(n.ID))
		}
		for r, ports := range s.Ingress {
			for name, in := range ports {
				use(in.Listen, string(r)+" to "+name+" of "+string(n.ID))
			}
		}
	}
	const want = 3*(4+2*2) + 3*2*2
	if len(used) != want {
		t.Errorf("got %d addresses, want %d", len(used), want)
	}
}

func TestTooManyNodes(t *testing.T) {
	var many topology.Topology
	for range 91 {
		many.Nodes = append(many.Nodes, topology.Node{})
	}
	b, err := loopback.Allocate(t.Context(), many)
	if err == nil {
		b.Close()
		t.Fatal("91 nodes got a block")
	}
}

func TestHosts(t *testing.T) {
	if err := loopback.Check(); err != nil {
		t.Skip(err)
	}
	b, err := loopback.Allocate(t.Context(), three())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := three().Nodes[1]
	peers := b.Server(n).Peers
	want := b.Host("east-2") + " east-2\n" + peers["east-1"] + " east-1\n" + peers["north-1"] + " north-1\n"
	if diff := cmp.Diff(want, b.Hosts(n)); diff != "" {
		t.Error("hosts file (-want +got)\n" + diff)
	}
}
