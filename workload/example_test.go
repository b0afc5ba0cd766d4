package workload_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// store is a client of a system that acknowledges everything.
type store struct{}

func (store) Do(_ context.Context, op history.Op) history.Op {
	op.Outcome = history.OK
	return op
}
func (store) Close() error { return nil }

// One client sends one write. The generator sets the times, the client the outcome.
func ExampleGenerator_Attempt() {
	g := workload.Generator{Load: workload.Load{}.Resolve(), Now: func() time.Duration { return time.Second }}
	op := g.Attempt(context.Background(), store{}, history.Op{Kind: history.Write, Key: "x", Value: "a", Region: topology.Region("east")})
	fmt.Println(op.Kind, op.Key, op.Outcome, op.Call)
	// Output: write x ok 1s
}

// The zero load is complete once its defaults are resolved.
func ExampleLoad_Resolve() {
	l := workload.Load{}.Resolve()
	fmt.Println(l.Reads, l.Writes, l.Clients, l.Timeout)
	// Output: 30 30 4 2s
}
