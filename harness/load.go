package harness

import (
	"context"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/workload"
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
		OnDue: r.meter.due,
		OnDone: func(op history.Op) {
			r.history.Record(op)
			r.meter.done(op)
		},
	}
	l.done.Go(func() { g.Run(ctx) })
	r.say("load", "%d reads and %d writes a second from each of %d regions", r.plan.Load.Reads, r.plan.Load.Writes, len(r.clients))
	return l
}

// saturate has writers write as fast as they are answered, if the plan says so.
// What they wrote is on record like everything else.
func (r *run) saturate(ctx context.Context) {
	s := r.plan.Load.ClosedLoop
	if s.For == 0 {
		return
	}
	r.enter(record.Saturated, s.For)
	workload.Generator{Load: r.plan.Load, Clients: r.clients, Now: r.now, OnDone: r.history.Record}.RunClosedLoop(ctx)
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
