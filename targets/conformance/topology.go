package conformance

import (
	"context"
	"io"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// testTopology tests the topologies that the target declares, without running them.
func testTopology(t T, target targets.Target) {
	if target.Name() == "" {
		t.Error("the target has no name")
	}
	top, err := target.Topology(topology.Spec{})
	if err != nil {
		t.Fatalf("the zero spec: %v", err)
	}
	seen := map[topology.NodeID]bool{}
	voters := 0
	for _, n := range top.Nodes {
		if seen[n.ID] {
			t.Errorf("node %s is declared twice", n.ID)
		}
		seen[n.ID] = true
		if n.Voter {
			voters++
		}
		if n.Service == "" {
			t.Errorf("node %s has no service", n.ID)
		}
		if n.Program.Package == "" && n.Program.Image == "" && n.Program.Command == "" {
			t.Errorf("node %s names no package, no image and no command", n.ID)
		}
		if len(n.Ports) == 0 {
			t.Errorf("node %s has no ports, so no links", n.ID)
		}
		for _, p := range n.Ports {
			if p.Number == links.EchoNumber || p.Name == links.EchoPort {
				t.Errorf("node %s: port %s %d is linkd's echo", n.ID, p.Name, p.Number)
			}
			if p.Number >= 32768 && p.Number <= 61000 {
				t.Errorf("node %s: port %s %d is in the kernel's ephemeral range", n.ID, p.Name, p.Number)
			}
		}
	}
	if voters < 3 {
		t.Errorf("%d voters: none may be lost", voters)
	}
	for _, z := range top.RegionSpecs {
		if len(top.NodesIn(z.Region)) == 0 {
			t.Errorf("region %s has no node", z.Region)
		}
	}
	if _, err := target.Topology(topology.Spec{Profile: "no-such-profile"}); err == nil {
		t.Error("an unknown profile is no error")
	}
	if _, err := target.Topology(topology.Spec{Layout: "no-such-layout"}); err == nil {
		t.Error("an unknown layout is no error")
	}
	if _, err := target.Topology(topology.Spec{Defects: []string{"no-such-defect"}}); err == nil {
		t.Error("an unknown defect is no error")
	}
}

// dumpLogs writes the logs of the nodes to the test's output.
func (s *suite) dumpLogs(t T) {
	for _, n := range s.cluster.Topology.Nodes {
		logs, err := s.cluster.Process(n.ID).Logs(context.Background())
		if err != nil {
			t.Logf("log of %s: %v", n.ID, err)
			continue
		}
		b, _ := io.ReadAll(logs)
		logs.Close()
		t.Logf("log of %s:\n%s", n.ID, b)
	}
}
