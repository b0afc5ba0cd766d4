package harness_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Code kills the leader, does what it likes meanwhile, heals, and gets a verdict. The
// store is one in memory whose nodes only play at being nodes; a target of the
// reader's own takes its place.
func Example() {
	ctx := context.Background()
	root, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	store := harnesstest.NewStore()
	store.Leads = "east-1"

	s, err := harness.Start(ctx, harness.Config{
		Target: store, Runtime: clustertest.Fake(nil), Root: root,
		Load: workload.Load{Reads: 100, Writes: 100}, Baseline: time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	kill, err := s.Inject(ctx, &faults.Kill{}, topology.Selector{Role: topology.Leader})
	if err != nil {
		fmt.Println(err)
		return
	}
	nodes, err := s.Nodes(ctx)
	fmt.Println("east-1:", nodes["east-1"], err)
	fmt.Println("heal:", kill.Heal(ctx))
	run, err := s.Finish(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("verdict:", run.Result.Verdict)
	fmt.Println("recovered:", run.Result.RTO.Recovered, "lost:", len(run.Result.RPO.Lost))
	// Output:
	// east-1: exited <nil>
	// heal: <nil>
	// verdict: pass
	// recovered: true lost: 0
}
