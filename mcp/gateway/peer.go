package gateway

import (
	"context"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Peer serves api.Peer: what other nodes ask of this one when they take it for
// the leader. It forwards nothing, so calls cannot go in circles.
type Peer struct {
	api.UnimplementedPeerServer
	Consensus Consensus
	// Admission refuses what other gateways bring for their users while this
	// node is starved; nil takes it all on.
	Admission *Admission
}

// Propose commits a command if this node leads.
func (p *Peer) Propose(ctx context.Context, c *api.Command) (*api.Applied, error) {
	if kindOf(c) == mutation { // of a user; the platform's own commands always pass
		if err := p.Admission.relayed(); err != nil {
			return nil, err
		}
	}
	return p.Consensus.Propose(ctx, c)
}

// ReadIndex confirms that this node leads, and how far its log is committed.
func (p *Peer) ReadIndex(ctx context.Context, _ *api.ReadIndexRequest) (*api.ReadIndexReply, error) {
	if err := p.Admission.relayed(); err != nil {
		return nil, err
	}
	index, term, err := p.Consensus.ReadIndex(ctx)
	if err != nil {
		return nil, err
	}
	return &api.ReadIndexReply{Index: index, Term: term}, nil
}
