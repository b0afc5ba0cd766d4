package mesh

import (
	"context"
	"errors"
	"net"

	"github.com/mcp-resilience/holdfast/harness/topology"
)

// Mesh is the links of a running cluster.
type Mesh struct {
	topology topology.Topology
	notice   func(string)
}

// New makes the mesh of a topology out of its linkds, one a node. Notice is
// told what a reader of the run should know, such as a linkd that was replaced.
func New(t topology.Topology, servers []Server, notice func(string)) *Mesh {
	return &Mesh{topology: t, notice: notice}
}

// Open creates a proxy for every port of every link, with its baseline latency.
func (m *Mesh) Open(ctx context.Context) error { return errors.New("not written yet") }

// Disturb applies an effect to streams under an id that is unique at the time,
// and returns what takes it away again. Effects of several ids compose:
// latencies add, the lowest rate rules, any cut cuts.
func (m *Mesh) Disturb(ctx context.Context, id string, streams []topology.Stream, e Effect) (heal func(context.Context) error, err error) {
	return nil, errors.New("not written yet")
}

// Echo measures one link.
func (m *Mesh) Echo(ctx context.Context, l topology.Link) Sample { return Sample{Link: l} }

// Matrix measures every link at once.
func (m *Mesh) Matrix(ctx context.Context) []Sample { return nil }

// Dial connects a client of a region to a node's port by logical address ("north-1:7400").
func (m *Mesh) Dial(ctx context.Context, from topology.Region, addr string) (net.Conn, error) {
	return nil, errors.New("not written yet")
}
