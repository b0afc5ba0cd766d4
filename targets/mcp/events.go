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

// reconnectDelay is the pause before the next connection to a node whose stream has ended.
const reconnectDelay = 100 * time.Millisecond

// StreamEvents streams the event logs of all nodes. Calls of emit do not overlap.
func (Target) StreamEvents(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, e record.Event)) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			f := eventReader{seen: map[string]uint64{}, emit: func(e events.Event) {
				mu.Lock()
				defer mu.Unlock()
				emit(e.Wall, eventOf(e))
			}}
			for ctx.Err() == nil {
				f.read(ctx, c, n)
				select {
				case <-time.After(reconnectDelay):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}

// EventKinds implements targets.EventLister.
func (Target) EventKinds() []record.EventKind {
	var out []record.EventKind
	for _, k := range events.Kinds() {
		out = append(out, record.EventKind(k))
	}
	return out
}

// eventReader reads one node's event log and emits each event once.
type eventReader struct {
	seen map[string]uint64 // last sequence number emitted, by run of the node's process
	emit func(events.Event)
}

// read reads the node's events until the connection ends.
func (f *eventReader) read(ctx context.Context, c *cluster.Cluster, n topology.Node) {
	readJSONLines(ctx, c, n, "/events", func(e events.Event) {
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
