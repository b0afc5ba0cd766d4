package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/harness/topology"
	"github.com/mcp-resilience/holdfast/mcp/events"
)

// reconnect is the pause before a node that does not answer is asked again.
const reconnect = 100 * time.Millisecond

// Narrate follows the diary of every node. Calls of emit do not overlap.
func (Target) Narrate(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, e record.Event)) {
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

// silence is how long a diary may say nothing before it is asked for again: a
// connection that a partition swallowed looks like a quiet node.
const silence = 5 * time.Second

// read follows the node until the connection ends.
func (f *follower) read(ctx context.Context, c *cluster.Cluster, n topology.Node) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	r, err := get(ctx, c, n, "/events")
	if err != nil {
		return
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e events.Event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			return // a line cut short by the node's death; what it said is replayed if it lives
		}
		quiet.Reset(silence)
		if e.Seq > f.seen[e.Start] {
			f.seen[e.Start] = e.Seq
			f.emit(e)
		}
	}
}

func eventOf(e events.Event) record.Event {
	return record.Event{
		Source: record.FromPlatform, Kind: string(e.Kind),
		Node: topology.NodeID(e.Node), Region: topology.Region(e.Region),
		Says: e.Says, Fields: e.Fields,
	}
}
