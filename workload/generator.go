package workload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// Generator sends operations on a fixed schedule, whatever their outcome: an open
// loop. A slow reply never delays the next operation, so an outage is observed by as
// many operations as by independent users.
type Generator struct {
	Load Load // resolved
	Seed uint64
	// Part numbers loads of one run that follow each other, from 0. Each has
	// registers, sets and operation ids that no other part uses.
	Part    int
	Clients map[topology.Region][]Client // each region's, used in turn
	// Now is the run's clock.
	Now func() time.Duration
	// Pace is how many times its usual rate the load of a region and class has at an instant; nil means
	// once, always.
	Pace func(r topology.Region, c history.Class, at time.Duration) float64
	// OnDue is called for each operation when it is due, OnDone when its outcome is
	// known. Both are called concurrently.
	OnDue  func(history.Op)
	OnDone func(history.Op)
}

// opsPerPart is how many operations one part of a load may have.
const opsPerPart = 1 << 28

// PartOf is the number of the part that an operation of the load belongs to.
func PartOf(op history.Op) int { return int(op.ID / opsPerPart) }

// Run sends until ctx ends, and returns when every operation that was sent has an
// outcome, which takes at most Load.Timeout longer. Operations in flight are not
// cancelled, because that would make their outcome unknown.
func (g Generator) Run(ctx context.Context) {
	var (
		ids     atomic.Int64
		senders sync.WaitGroup
		keys    = newKeyspace(g.Load, g.Part)
	)
	ids.Store(int64(g.Part) * opsPerPart)
	for region, clients := range g.Clients {
		for class, rate := range map[history.Class]int{history.Reads: g.Load.Reads, history.Writes: g.Load.Writes, history.LocalRead: g.Load.LocalReads} {
			if rate <= 0 || len(clients) == 0 {
				continue
			}
			s := newOpGenerator(g.Seed, region, class, rate, g.Load.Mix, keys)
			if class == history.Reads {
				s.consumers = g.Load.ConsumerOps(region)
			}
			senders.Go(func() { g.send(ctx, s, clients, &ids) })
		}
	}
	senders.Wait()
}

// send follows the schedule of one region and class.
func (g Generator) send(ctx context.Context, s *opGenerator, clients []Client, ids *atomic.Int64) {
	var underway sync.WaitGroup
	defer underway.Wait()
	slots := make(chan struct{}, g.Load.MaxInFlight)
	timer := time.NewTimer(0)
	defer timer.Stop()
	// Each operation is due an interval after the one before was due, and not after it was sent, so that the rate does
	// not drift; a late sender catches up at once, each operation with its own intended time.
	for i, intended := int64(0), g.Now(); ; i, intended = i+1, intended+g.interval(s, intended) {
		if wait := intended - g.Now(); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		} else if ctx.Err() != nil {
			return
		}
		op := s.next(ids.Add(1))
		op.Intended = intended
		if op.Kind != history.Consume {
			op.Client = int(i) % len(clients)
		}
		g.OnDue(op)
		select {
		case slots <- struct{}{}:
		default:
			op.Call = g.Now()
			op.Return, op.Outcome, op.Error = op.Call, history.Failed, history.Dropped
			g.OnDone(op)
			continue
		}
		underway.Go(func() {
			defer func() { <-slots }()
			op = g.Attempt(context.WithoutCancel(ctx), clients[op.Client], op)
			s.keys.observe(op)
			g.OnDone(op)
		})
	}
}

// minPace bounds how slow the load can get: the next operation must come within reasonable time.
const minPace = 0.01

// interval is the time from an operation that is due at an instant to the next.
func (g Generator) interval(s *opGenerator, at time.Duration) time.Duration {
	usual := time.Second / time.Duration(s.rate)
	if g.Pace == nil {
		return usual
	}
	return max(time.Microsecond, time.Duration(float64(usual)/max(minPace, g.Pace(s.region, s.class, at))))
}

// Attempt executes one operation within the timeout and sets its call and return
// times. An outcome that the client leaves empty becomes Unknown.
func (g Generator) Attempt(ctx context.Context, c Client, op history.Op) history.Op {
	ctx, cancel := context.WithTimeout(ctx, g.Load.Timeout)
	defer cancel()
	op.Call = g.Now()
	op = c.Do(ctx, op)
	op.Return = g.Now()
	if op.Outcome == "" {
		op.Outcome = history.Unknown
	}
	return op
}
