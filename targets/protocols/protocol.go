// Package protocols is the seam to the clients that come with holdfast. A protocol knows how the operations
// of a workload are said to a system, and what the system's answers mean. Each protocol has a folder here;
// package builtin lists them. Nothing here starts a node, injects a fault or judges a run.
package protocols

import (
	"context"
	"net"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// Endpoint is a node as a client sees it.
type Endpoint struct {
	Node   topology.NodeID
	Region topology.Region
	// Address is the logical host and port, such as east-1:6379. Only System.Dial can dial it.
	Address string
}

// System is what a client is given of the running system.
type System struct {
	// Endpoints are the nodes that hold data, in the order in which the client prefers them: its own region first.
	Endpoints []Endpoint
	// Dial makes a connection over the links of the client's region.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Secret is random, one per run, and never recorded. It may serve as a password.
	Secret string
}

// Preferred lists the endpoints in the order in which the client with an id tries them: those of the first one's
// region before the others, each part rotated by the id, so that clients spread over the nodes.
func (s System) Preferred(id int) []Endpoint {
	var own, others []Endpoint
	for _, e := range s.Endpoints {
		if e.Region == s.Endpoints[0].Region {
			own = append(own, e)
		} else {
			others = append(others, e)
		}
	}
	return append(rotate(own, id), rotate(others, id)...)
}

func rotate(es []Endpoint, by int) []Endpoint {
	if len(es) == 0 {
		return nil
	}
	k := by % len(es)
	return append(slices.Clone(es[k:]), es[:k]...)
}

// Protocol is a protocol with its settings. It is safe for concurrent use.
type Protocol interface {
	// Kinds lists the operations that these settings can say.
	Kinds() []history.Kind
	// Client makes a client that finds the system as a user would. Its id, which counts from 0,
	// spreads clients over the nodes. The client never retries an operation.
	Client(ctx context.Context, s System, id int) (workload.Client, error)
	// Reader makes a client that reads through one endpoint alone, so that its answers are the state of that node.
	Reader(ctx context.Context, s System, via Endpoint) (workload.Client, error)
	// Query asks one node something in the words of the protocol, and returns the answer as text without
	// white space around it. It serves roles, invariants and readiness.
	Query(ctx context.Context, s System, via Endpoint, query string) (string, error)
}

// Settings are the settings of a protocol, as the client section of a target file has them. A pointer
// to the zero value is decoded into.
type Settings interface {
	// Validate returns a FieldError for the first setting that makes no sense.
	Validate() error
	// Protocol returns the protocol with these settings, or the error of Validate.
	Protocol() (Protocol, error)
}
