package mcp

import (
	"context"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// reconnect is the pause before a node that does not answer is asked again.
const reconnect = 100 * time.Millisecond

// StreamEvents follows the diary of every node. Calls of emit do not overlap.
func (Target) StreamEvents(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, e record.Event)) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			f := follower{seen: map[string]uint64{}, emit: func(e events.Event) {
				mu.Lock()
				defer mu.Unlock()
				emit(e.Wall, eventOf(e))
			}}
			for ctx.Err() == nil {
				f.read(ctx, c, n)
				select {
				case <-time.After(reconnect):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}

// follower reads one node's diary and tells each event once.
type follower struct {
	seen map[string]uint64 // last sequence number told, by life of the node
	emit func(events.Event)
}

// read follows the node until the connection ends.
func (f *follower) read(ctx context.Context, c *cluster.Cluster, n topology.Node) {
	follow(ctx, c, n, "/events", func(e events.Event) {
		if e.Seq > f.seen[e.Start] {
			f.seen[e.Start] = e.Seq
			f.emit(e)
		}
	})
}

func eventOf(e events.Event) record.Event {
	return record.Event{
		Source: record.FromPlatform, Kind: record.EventKind(e.Kind),
		Node: topology.NodeID(e.Node), Region: topology.Region(e.Region),
		Description: e.Description, Fields: e.Fields,
	}
}
