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

// consumeBatch is how many messages a consumer asks for at a time.
const consumeBatch = 256

// busClient is a simulated user's client of the bus. It connects at its first operation.
type busClient struct {
	*client.Bus
	mu        sync.Mutex
	consumers map[string]*client.Consumer
}

func newBusClient(c *cluster.Cluster, from topology.Region, who *client.Identity) (*busClient, error) {
	b, err := client.NewBus(client.BusConfig{Dial: c.Dialer(from), Identity: who, Servers: serversOf(c.Topology, from)})
	if err != nil {
		return nil, err
	}
	return &busClient{Bus: b, consumers: map[string]*client.Consumer{}}, nil
}

// serversOf returns the addresses of the message servers, those of a region first.
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
func (m *busClient) publish(ctx context.Context, op history.Op) history.Op {
	seq, err := m.Publish(ctx, client.NewID(), op.Key, op.Value)
	if err != nil {
		return mutationFailed(op, err)
	}
	op.Outcome, op.Revision = history.OK, seq
	return op
}

// consume takes the messages that are there. Those that were delivered are recorded even
// if their acknowledgement to the bus fails.
func (m *busClient) consume(ctx context.Context, op history.Op) history.Op {
	err := m.consumer(op.Key).Consume(ctx, consumeBatch, func(got client.Message) {
		op.Set = append(op.Set, got.Data)
		op.Revision = got.Sequence
	})
	if err != nil {
		return mutationFailed(op, err)
	}
	op.Outcome = history.OK
	return op
}

// consumer returns the user's client of a consumer. It keeps its position in the stream, so
// there is one for each key.
func (m *busClient) consumer(key string) *client.Consumer {
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

// replicaReader reads a stream from the replica of a node's message server, or of one in
// its region if the node has none.
type replicaReader struct {
	direct *client.NodeClient
	err    error
}

func newReplicaReader(c *cluster.Cluster, via topology.Node, who *client.Identity) *replicaReader {
	own := serversOf(topology.Topology{Nodes: []topology.Node{via}}, via.Region)
	all := append(own, serversOf(c.Topology, via.Region)...)
	if len(all) == 0 {
		return &replicaReader{err: fmt.Errorf("read messages: no node carries the bus")}
	}
	name, _, _ := strings.Cut(all[0], ":")
	d, err := client.NewNodeClient(address(topology.NodeID(name), nodespec.APIPort), c.Dialer(via.Region), who)
	return &replicaReader{d, err}
}

// Close closes the connection.
func (rr *replicaReader) Close() error {
	if rr.err != nil {
		return nil
	}
	return rr.direct.Close()
}

func (rr *replicaReader) messages(ctx context.Context, op history.Op) history.Op {
	if rr.err != nil {
		return failed(op, rr.err)
	}
	r, err := rr.direct.Bus().ReadReplica(ctx, &api.ReadReplicaRequest{Stream: op.Key})
	if err != nil {
		return failed(op, err)
	}
	op.Outcome, op.Set, op.Revision, op.Node = history.OK, r.Messages, r.Last, topology.NodeID(r.Node)
	return op
}

// streamLeader is the node that leads the bus's stream, according to the node with the
// latest state.
func streamLeader(statuses map[topology.NodeID]api.NodeStatus) ([]topology.NodeID, error) {
	var leader string
	var applied uint64
	for _, s := range statuses {
		if s.Applied >= applied && s.Streams[api.Feed] != "" {
			leader, applied = s.Streams[api.Feed], s.Applied
		}
	}
	if leader == "" {
		return nil, fmt.Errorf("mcp: no node knows the leader of the stream %s (%d nodes answered)", api.Feed, len(statuses))
	}
	return []topology.NodeID{topology.NodeID(leader)}, nil
}
