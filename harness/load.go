package harness

import (
	"context"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/harness/workload"
)

// load is the clients at work.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startLoad lets the clients of every region loose.
func (r *run) startLoad(ctx context.Context) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel}
	g := workload.Generator{
		Load: r.plan.Load, Seed: r.plan.Seed, Clients: r.clients, Now: r.now,
		Due: r.meter.due,
		Done: func(op history.Op) {
			r.history.Record(op)
			r.meter.done(op)
		},
	}
	l.done.Go(func() { g.Run(ctx) })
	r.say("load", "%d reads and %d writes a second from each of %d regions", r.plan.Load.Reads, r.plan.Load.Writes, len(r.clients))
	return l
}

// stop ends the load and waits for the operations under way. It may be called again.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
}

// platform writes one of the platform's events down, on the run's clock.
func (r *run) platform(wall time.Time, e record.Event) {
	e.At = r.clock.At(wall)
	e.Source = record.FromPlatform
	r.emit(e)
}
