// Package targets is the interface between the framework and the systems under test.
// An adapter says how a system's nodes are started, who has which role, and how clients
// use it; it injects no fault and judges nothing. Each system has a folder here. The engine
// imports none of them.
package targets

import (
	"context"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Target is the adapter for one system under test.
type Target interface {
	// Name is the name that scenario files use.
	Name() string
	// Topology declares the nodes and links that the spec asks for. Unknown profiles
	// and defects are errors that name the known ones.
	Topology(s topology.Spec) (topology.Topology, error)
	// Client makes a client in a region. It finds the system as a user there would.
	Client(ctx context.Context, c *cluster.Cluster, from topology.Region, id int) (workload.Client, error)
	// Reader makes a client that reads through one node alone. Its answers must be
	// that node's own state, once the node has caught up.
	Reader(ctx context.Context, c *cluster.Cluster, via topology.NodeID) (workload.Client, error)
	// Resolve lists the nodes that have a role now. It is an error when there are none.
	Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error)
}

// Sourced is a target that was read from a file. The text goes on record, for those
// who read a run; it is never started from there.
type Sourced interface {
	Source() []byte
}

// EventSource is a target whose system reports what it does. StreamEvents emits the
// platform events of all nodes, each with its wall-clock time, until ctx ends;
// it survives nodes that die and come back. A node's events that are older
// than its connection are replayed by the node, so none is missed, and each is emitted once.
type EventSource interface {
	StreamEvents(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, e record.Event))
}

// EventLister is an EventSource that knows which kinds of event its system reports. A
// scenario that waits for, guards against or expects another kind is refused: it
// would wait for ever, and guard nothing.
type EventLister interface {
	EventKinds() []record.EventKind
}

// MetricsSource is a target whose nodes measure and trace themselves. What they
// report goes on record and is part of no verdict.
type MetricsSource interface {
	// Metrics asks a node for its figures, by series, such as name{label="value"}.
	Metrics(ctx context.Context, c *cluster.Cluster, id topology.NodeID) (map[string]float64, error)
	// Trace emits the finished spans of all nodes, each once with the
	// wall-clock time at which it began, until ctx ends.
	Trace(ctx context.Context, c *cluster.Cluster, emit func(wall time.Time, s record.TraceSpan))
}

// MembershipAdmin is a target whose nodes can be taken out of the system and put in
// again while it runs.
type MembershipAdmin interface {
	MembershipAdmin(c *cluster.Cluster) cluster.MembershipAdmin
}
