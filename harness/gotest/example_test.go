package gotest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/gotest"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// The function is the body of a test; an example has no *testing.T, so a recorder
// stands for it here. The store is one in memory.
func Example() {
	testLeaderIsKilled := func(t testing.TB, c harness.Config) {
		s := gotest.Start(t, c)
		kill := s.Inject(&faults.Kill{}, topology.Selector{Role: topology.Leader})
		s.Wait(5*time.Second, "the leader to be down", func(ctx context.Context) error {
			nodes, err := s.Nodes(ctx)
			if state := nodes["east-1"]; err == nil && state != cluster.Exited {
				err = fmt.Errorf("east-1 is %s", state)
			}
			return err
		})
		kill.Heal()
		run := s.Finish() // fails the test unless the verdict is the expected one
		fmt.Println("verdict:", run.Result.Verdict)
	}

	root, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	store := harnesstest.NewStore()
	store.Leads = "east-1"
	r := &recorder{name: "TestLeaderIsKilled"}
	r.run(func(t testing.TB) {
		testLeaderIsKilled(t, harness.Config{
			Target: store, Runtime: clustertest.Fake(nil), Root: root,
			Load: workload.Load{Reads: 100, Writes: 100}, Baseline: time.Second,
		})
	})
	fmt.Println("failures:", r.failures)
	// Output:
	// verdict: pass
	// failures: []
}
