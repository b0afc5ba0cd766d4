package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
)

// startFake starts a cluster of three nodes on the fake runtime, whose nodes are goroutines on
// loopback addresses. The returned function closes it and removes its files.
func startFake(ctx context.Context, run string) (_ *cluster.Cluster, remove func(), err error) {
	dir, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		return nil, nil, err
	}
	spec := cluster.Spec{Run: run, Topology: clustertest.Topology(1), Dir: dir}
	rt, err := clustertest.Fake(nil).Open(ctx, spec)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	c, err := cluster.Start(ctx, rt, spec, nil)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, func() {
		if err := errors.Join(c.Close(ctx), os.RemoveAll(dir)); err != nil {
			fmt.Println(err)
		}
	}, nil
}

// Two faults hold one node down at the same time. It runs again when both have released it.
func Example() {
	ctx := context.Background()
	c, remove, err := startFake(ctx, "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

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
	fmt.Println("one has released it:", state())
	_ = pause(ctx)
	fmt.Println("both have released it:", state())
	// Output:
	// both hold it: exited
	// one has released it: paused
	// both have released it: running
}

// A sandbox that died is listed apart from nodes that crashed, because the framework owns it.
func ExampleCluster_SandboxFailures() {
	ctx := context.Background()
	c, remove, err := startFake(ctx, "example-failures")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()
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
