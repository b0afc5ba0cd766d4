// Package gateway is what users call on each node. It routes mutations to the
// leader, and serves reads from the node's own state after the leader has confirmed
// how far that must be. While there is no leader, a call waits a little and is tried
// again. A call that got no reply is retried where that is safe, within a budget.
// Before any of this, admission refuses calls over the limits, and all calls while
// the node is overloaded.
package gateway

import (
	"context"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
)

// Consensus is this node's part in the replicated log.
type Consensus interface {
	Leader() (name string, changed <-chan struct{})
	Propose(ctx context.Context, c *api.Command) (*api.Applied, error)
	ReadIndex(ctx context.Context) (index, term uint64, err error)
}

var _ Consensus = (*consensus.Node)(nil)

// Gateway routes calls to the leader.
type Gateway struct {
	Name      string
	Consensus Consensus
	// Conn returns a connection to another node.
	Conn func(name string) (*grpc.ClientConn, error)
	// LeaderHealth checks whether the leader responds. Nil means that it always does.
	LeaderHealth *LeaderHealth

	retryBudget  retryBudget
	leaderless   leaderlessTimer
	backpressure backpressure
}

// Submit commits a command through the leader. An error that is api.Refused
// proves that the command had no effect.
func (g *Gateway) Submit(ctx context.Context, c *api.Command) (*api.Applied, error) {
	a, _, err := g.submit(ctx, c)
	return a, err
}

// submit also returns how often the command was retried.
func (g *Gateway) submit(ctx context.Context, c *api.Command) (*api.Applied, uint32, error) {
	return retry(ctx, g, g.leaderRoute(), retryPolicyOf(c), g.propose(c))
}

// SubmitOnce is Submit without waiting or retrying: it is refused when no leader is known now.
func (g *Gateway) SubmitOnce(ctx context.Context, c *api.Command) (*api.Applied, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	return attempt(ctx, g, g.leaderRoute(), g.propose(c))
}

func (g *Gateway) propose(c *api.Command) func(context.Context, string) (*api.Applied, error) {
	return func(ctx context.Context, leader string) (*api.Applied, error) {
		if leader == g.Name {
			return g.Consensus.Propose(ctx, c)
		}
		return forward(ctx, g, "leader "+leader, leader, func(ctx context.Context, conn grpc.ClientConnInterface) (*api.Applied, error) {
			return api.NewPeerClient(conn).Propose(ctx, c)
		})
	}
}

// ReadIndex asks the leader up to which index a node must have applied the log to
// serve a linearizable read (Ongaro's thesis on Raft, section 6.4).
func (g *Gateway) ReadIndex(ctx context.Context) (*api.ReadIndexReply, error) {
	r, _, err := g.readIndex(ctx)
	return r, err
}

// readIndex also returns how often the request was retried.
func (g *Gateway) readIndex(ctx context.Context) (*api.ReadIndexReply, uint32, error) {
	return retry(ctx, g, g.leaderRoute(), retryRead, localOrRemote(g,
		func(ctx context.Context) (*api.ReadIndexReply, error) {
			index, term, err := g.Consensus.ReadIndex(ctx)
			return &api.ReadIndexReply{Index: index, Term: term}, err
		},
		func(ctx context.Context, leader grpc.ClientConnInterface) (*api.ReadIndexReply, error) {
			return api.NewPeerClient(leader).ReadIndex(ctx, &api.ReadIndexRequest{})
		}))
}
