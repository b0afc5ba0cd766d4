package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// loadDriver is the clients of a run and what they send: one part of the load
// after the other, each with keys of its own.
type loadDriver struct {
	target  targets.Target
	cluster *cluster.Cluster
	plan    scenarios.Plan
	log     *runLog
	history *history.Recorder
	stats   *liveStats
	pace    func(topology.Region, history.Class, time.Duration) float64
	clients map[topology.Region][]workload.Client

	mu      sync.Mutex
	parts   int // that were started so far
	current *loadPart
}

// loadPart is a stretch of load whose registers and sets no other part uses.
type loadPart struct {
	number int
	since  time.Duration
	cancel context.CancelFunc
	done   chan struct{}
}

// connect makes every region's clients.
func (d *loadDriver) connect(ctx context.Context) error {
	d.clients = map[topology.Region][]workload.Client{}
	for _, region := range d.cluster.Topology.Regions() {
		for id := range d.plan.Load.Clients {
			c, err := d.target.Client(ctx, d.cluster, region, id)
			if err != nil {
				return fmt.Errorf("client %d of region %s: %w", id, region, err)
			}
			d.clients[region] = append(d.clients[region], c)
		}
	}
	return nil
}

// allClients lists the clients of all regions, in declared order.
func (d *loadDriver) allClients() []workload.Client {
	var out []workload.Client
	for _, region := range d.plan.Topology.Regions() {
		out = append(out, d.clients[region]...)
	}
	return out
}

// clientsOutside lists the clients of all regions but one; all of them where there is no other.
func (d *loadDriver) clientsOutside(r topology.Region) []workload.Client {
	var out []workload.Client
	for _, region := range d.plan.Topology.Regions() {
		if region != r {
			out = append(out, d.clients[region]...)
		}
	}
	if len(out) == 0 {
		return d.allClients()
	}
	return out
}

// generator sends the load's operations, which go on record.
func (d *loadDriver) generator() workload.Generator {
	return workload.Generator{
		Load: d.plan.Load, Seed: d.plan.Seed, Clients: d.clients, Now: d.log.now, Pace: d.pace,
		OnDue: d.stats.due,
		OnDone: func(op history.Op) {
			d.history.Record(op)
			d.stats.done(op)
		},
	}
}

// closedLoop has writers write as fast as they are answered, if the plan asks
// for it. What they wrote is on record like everything else.
func (d *loadDriver) closedLoop(ctx context.Context) {
	l := d.plan.Load.ClosedLoop
	if l.For == 0 {
		return
	}
	d.log.enter(record.Saturated, l.For)
	g := d.generator()
	g.OnDone = d.history.Record
	g.RunClosedLoop(ctx)
}

// start begins the next part of the load and returns when each of its series
// sends, which takes a moment on a busy machine. A part that runs already ends
// only then, so that there is no gap between them.
func (d *loadDriver) start(ctx context.Context) (*loadPart, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	partCtx, cancel := context.WithCancel(ctx)
	p := &loadPart{number: d.parts, since: d.log.now(), cancel: cancel, done: make(chan struct{})}
	d.parts++
	g := d.generator()
	if p.number > 0 {
		g.Part, g.Seed = p.number, d.plan.DeriveSeed(fmt.Sprintf("load %d", p.number))
	}
	sending := newSenderCount(g)
	g.OnDue = func(op history.Op) {
		d.stats.due(op)
		sending.note(op)
	}
	go func() {
		defer close(p.done)
		g.Run(partCtx)
	}()
	if !endsWithin(sending.all, stopTimeout) && ctx.Err() == nil {
		d.log.notice(record.EventNotice, "not every client region has sent within %v of the start of the load: the machine is busy", stopTimeout)
	}
	before := d.current
	d.current = p
	if before == nil {
		return p, nil
	}
	return p, d.end(before)
}

// senderCount reports when every series of a load has sent its first operation.
type senderCount struct {
	all chan struct{} // closed then

	mu      sync.Mutex
	missing int
	seen    map[goodput.Key]bool
}

func newSenderCount(g workload.Generator) *senderCount {
	c := &senderCount{all: make(chan struct{}), seen: map[goodput.Key]bool{}}
	for _, rate := range []int{g.Load.Reads, g.Load.Writes, g.Load.LocalReads} {
		if rate > 0 {
			c.missing += len(g.Clients)
		}
	}
	if c.missing == 0 {
		close(c.all)
	}
	return c
}

func (c *senderCount) note(op history.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := (goodput.Key{Region: op.Region, Class: op.Class()}); c.missing > 0 && !c.seen[key] {
		c.seen[key] = true
		if c.missing--; c.missing == 0 {
			close(c.all)
		}
	}
}

// stop ends the load and waits for the operations under way. It may be called again.
func (d *loadDriver) stop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil {
		return nil
	}
	p := d.current
	d.current = nil
	return d.end(p)
}

// end is an error when a client does not return though its time is over: its
// operation may take effect and is not on record.
func (d *loadDriver) end(p *loadPart) error {
	p.cancel()
	if limit := d.plan.Load.Timeout + stopTimeout; !endsWithin(p.done, limit) {
		return fmt.Errorf("a client has not returned from an operation within %v, though each may take %v", limit, d.plan.Load.Timeout)
	}
	return nil
}

// close ends the load and closes the clients. It does not wait for ever for one
// that does not return.
func (d *loadDriver) close() {
	if err := d.stop(); err != nil {
		d.log.notice(record.EventNotice, "%v", err)
	}
	done := make(chan struct{})
	clients := slices.Clone(d.allClients())
	go func() {
		defer close(done)
		for _, c := range clients {
			_ = c.Close() // its connections end with the cluster
		}
	}()
	if !endsWithin(done, stopTimeout) {
		d.log.notice(record.EventNotice, "the clients could not be closed within %v: the run goes on without that", stopTimeout)
	}
}

// writeThenRead writes a value with one client and reads it back with another.
// Such operations are the engine's own and stay out of the history.
func (d *loadDriver) writeThenRead(ctx context.Context, writer, reader workload.Client, key, value string) error {
	g := workload.Generator{Load: d.plan.Load, Now: d.log.now}
	write, read := history.Write, history.Read
	switch {
	case d.plan.Load.SetsOnly():
		write, read = history.Add, history.SetRead
	case d.plan.Load.ListsOnly():
		write, read = history.Append, history.ListRead
	}
	w := g.Attempt(ctx, writer, history.Op{Kind: write, Key: key, Value: value})
	if w.Outcome != history.OK {
		return fmt.Errorf("%s %s: %s: %s", write, key, w.Outcome, w.Error)
	}
	got := g.Attempt(ctx, reader, history.Op{Kind: read, Key: key})
	if got.Outcome != history.OK || (got.Output != value && !slices.Contains(got.Set, value)) {
		return fmt.Errorf("%s %s: %s %q %v: %s", read, key, got.Outcome, got.Output, got.Set, got.Error)
	}
	return nil
}
