package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
)

// batch is how many messages a consumer asks for at one time.
const batch = 256

// messenger is a simulated user's way to the bus. It connects at its first operation.
type messenger struct {
	*client.Bus
	mu        sync.Mutex
	consumers map[string]*client.Consumer
}

func newMessenger(c *cluster.Cluster, from topology.Region, who *client.Identity) (*messenger, error) {
	b, err := client.NewBus(client.BusConfig{Dial: c.Dialer(from), Identity: who, Servers: serversOf(c.Topology, from)})
	if err != nil {
		return nil, err
	}
	return &messenger{Bus: b, consumers: map[string]*client.Consumer{}}, nil
}

// serversOf lists the message servers, those of a region first.
func serversOf(t topology.Topology, from topology.Region) []string {
	var own, others []string
	for _, n := range t.Nodes {
		if _, err := n.Port("bus"); err != nil {
			continue
		}
		if a := address(n.ID, nodespec.BusPort); n.Region == from {
			own = append(own, a)
		} else {
			others = append(others, a)
		}
	}
	return append(own, others...)
}

// publish publishes a message, once.
func (m *messenger) publish(ctx context.Context, op history.Op) history.Op {
	seq, err := m.Publish(ctx, client.NewID(), op.Key, op.Value)
	if err != nil {
		return notChanged(op, err)
	}
	op.Outcome, op.Revision = history.OK, seq
	return op
}

// consume takes what there is. Messages that were handed over are on record
// even when nobody answers that they need not come again.
func (m *messenger) consume(ctx context.Context, op history.Op) history.Op {
	err := m.consumer(op.Key).Consume(ctx, batch, func(got client.Message) {
		op.Set = append(op.Set, got.Data)
		op.Revision = got.Sequence
	})
	if err != nil {
		return notChanged(op, err)
	}
	op.Outcome = history.OK
	return op
}

// consumer is the user's part in a consumer; it remembers its place, so there is one of it.
func (m *messenger) consumer(key string) *client.Consumer {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.consumers[key]
	if c == nil {
		stream, name, _ := strings.Cut(key, "/")
		c = m.Consumer(stream, name)
		m.consumers[key] = c
	}
	return c
}

// holder asks the message server of a node for its replica of a stream, or that of
// its region where the node carries none.
type holder struct {
	direct *client.NodeClient
	err    error
}

func sameRegionBus(c *cluster.Cluster, via topology.Node, who *client.Identity) *holder {
	own := serversOf(topology.Topology{Nodes: []topology.Node{via}}, via.Region)
	all := append(own, serversOf(c.Topology, via.Region)...)
	if len(all) == 0 {
		return &holder{err: fmt.Errorf("no node carries the bus")}
	}
	name, _, _ := strings.Cut(all[0], ":")
	d, err := client.NewNodeClient(address(topology.NodeID(name), nodespec.APIPort), c.Dialer(via.Region), who)
	return &holder{d, err}
}

// Close ends the holder's connection.
func (h *holder) Close() error {
	if h.err != nil {
		return nil
	}
	return h.direct.Close()
}

func (h *holder) messages(ctx context.Context, op history.Op) history.Op {
	if h.err != nil {
		return failed(op, h.err)
	}
	r, err := h.direct.Bus().Held(ctx, &api.HeldRequest{Stream: op.Key})
	if err != nil {
		return failed(op, err)
	}
	op.Outcome, op.Set, op.Revision, op.Node = history.OK, r.Messages, r.Last, topology.NodeID(r.Node)
	return op
}

// streamLeader is the node that leads the bus's stream, as the node with the
// latest state knows.
func streamLeader(said map[topology.NodeID]api.NodeStatus) ([]topology.NodeID, error) {
	var leader string
	var applied uint64
	for _, s := range said {
		if s.Applied >= applied && s.Streams[api.Feed] != "" {
			leader, applied = s.Streams[api.Feed], s.Applied
		}
	}
	if leader == "" {
		return nil, fmt.Errorf("mcp: nobody knows who leads the stream %s (%d nodes answered)", api.Feed, len(said))
	}
	return []topology.NodeID{topology.NodeID(leader)}, nil
}
