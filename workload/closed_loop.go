package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// ClosedLoop is a phase in which each writer adds to a set and sends its next
// operation as soon as the last is answered. It measures the capacity of a system.
// The zero value means none.
type ClosedLoop struct {
	// For is how long it lasts.
	For time.Duration `json:"for" yaml:"for"`
	// Writers is the number of writers in each region, each with one add in flight; 0 means 32.
	Writers int `json:"writers" yaml:"writers"`
}

// firstClosedLoopID is greater than every id of the scheduled load.
const firstClosedLoopID = 1 << 40

// RunClosedLoop writes for as long as the load says and returns when the last write
// has been answered. It calls OnDone for each operation, and never OnDue.
func (g Generator) RunClosedLoop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.Load.ClosedLoop.For)
	defer cancel()
	var writers sync.WaitGroup
	next := int64(firstClosedLoopID)
	for region, clients := range g.Clients {
		for w := range g.Load.ClosedLoop.Writers {
			first := next
			next += 1 << 20
			writers.Go(func() { g.runWriter(ctx, region, clients[w%len(clients)], w%len(clients), first) })
		}
	}
	writers.Wait()
}

// runWriter is one writer. It has sets of its own.
func (g Generator) runWriter(ctx context.Context, region topology.Region, c Client, number int, first int64) {
	for id := first; ctx.Err() == nil; id++ {
		op := history.Op{
			ID: id, Region: region, Client: number, Intended: g.Now(), Kind: history.Add,
			Key: g.Load.Key(fmt.Sprintf("saturate.%x.%d", first, (id-first)/int64(g.Load.OpsPerKey))), Value: fmt.Sprint(id),
		}
		op = g.Attempt(context.WithoutCancel(ctx), c, op)
		g.OnDone(op)
		if op.Outcome != history.OK {
			select {
			case <-time.After(10 * time.Millisecond): // a rejection is quick: do not cause them at full speed
			case <-ctx.Done():
			}
		}
	}
}
