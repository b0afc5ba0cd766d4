package cluster_test

import (
	"context"
	"fmt"
	"os"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
)

// A cluster of the fake runtime, whose nodes are goroutines on loopback
// addresses. Two faults at a time want one node down; it runs again when both
// have let go.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	spec := cluster.Spec{Run: "example", Topology: clustertest.Topology(1), Dir: dir}
	rt, err := clustertest.Fake(nil).Open(ctx, spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cluster.Start(ctx, rt, spec, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close(ctx) }()

	kill, err := c.Hold(ctx, "east-1", cluster.Exited, cluster.Kill)
	if err != nil {
		fmt.Println(err)
		return
	}
	pause, err := c.Hold(ctx, "east-1", cluster.Paused, cluster.Pause)
	if err != nil {
		fmt.Println(err)
		return
	}
	state := func() cluster.ProcessState {
		s, _ := c.Process("east-1").Status(ctx)
		return s.State
	}
	fmt.Println("both hold it:", state())
	_ = kill(ctx)
	fmt.Println("one has let go:", state())
	_ = pause(ctx)
	fmt.Println("both have:", state())
	// Output:
	// both hold it: exited
	// one has let go: paused
	// both have: running
}

// What the framework itself has lost is listed apart from nodes that crashed.
func ExampleCluster_SandboxFailures() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	spec := cluster.Spec{Run: "example-failures", Topology: clustertest.Topology(1), Dir: dir}
	rt, err := clustertest.Fake(nil).Open(ctx, spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cluster.Start(ctx, rt, spec, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close(ctx) }()
	_ = c.Sandbox("north-1").Signal(ctx, cluster.Kill)
	for len(c.SandboxFailures(ctx)) == 0 {
	}
	for _, f := range c.SandboxFailures(ctx) {
		fmt.Println(f)
	}
	fmt.Println("nodes that crashed:", len(c.Crashed(ctx)))
	// Output:
	// the sandbox of north-1 was killed by a signal
	// nodes that crashed: 0
}
