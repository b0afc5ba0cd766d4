package gateway

import (
	"context"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// PeerServer serves api.Peer: the calls of nodes that believe this one to be the
// leader. It forwards nothing, so calls cannot go in circles.
type PeerServer struct {
	api.UnimplementedPeerServer
	Consensus Consensus
	// Admission refuses what other gateways forward for their users while this node is
	// overloaded. Nil accepts everything.
	Admission *Admission
}

// Propose commits a command if this node leads.
func (p *PeerServer) Propose(ctx context.Context, c *api.Command) (*api.Applied, error) {
	if retryPolicyOf(c) == retryMutation { // a user's; the platform's own commands are always accepted
		if err := p.Admission.admitForwarded(); err != nil {
			return nil, err
		}
	}
	return p.Consensus.Propose(ctx, c)
}

// ReadIndex confirms that this node leads, and returns how far its log is committed.
func (p *PeerServer) ReadIndex(ctx context.Context, _ *api.ReadIndexRequest) (*api.ReadIndexReply, error) {
	if err := p.Admission.admitForwarded(); err != nil {
		return nil, err
	}
	index, term, err := p.Consensus.ReadIndex(ctx)
	if err != nil {
		return nil, err
	}
	return &api.ReadIndexReply{Index: index, Term: term}, nil
}
